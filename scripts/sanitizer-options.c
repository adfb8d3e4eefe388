/* How every sanitized program behaves, in whatever environment it is started: tests give programs environments of their
 * own, in which ASAN_OPTIONS would not arrive, and what such a child reports on its standard error is read by nobody.
 * scripts/sanitize.sh links this into each of them, and defines REPORTS, a folder, SUPPRESSIONS, a file, and SYMBOLIZER,
 * a program. */

const char *__asan_default_options(void);
const char *__tsan_default_options(void);

const char *__asan_default_options(void) {
    return "log_path=" REPORTS "/address:external_symbolizer_path=" SYMBOLIZER
           ":detect_leaks=0:detect_stack_use_after_return=1";
}

/* A program goes on after a race, so that one run shows them all. Children of programs with threads may have threads. */
const char *__tsan_default_options(void) {
    return "log_path=" REPORTS "/thread:external_symbolizer_path=" SYMBOLIZER ":suppressions=" SUPPRESSIONS
           ":die_after_fork=0:second_deadlock_stack=1";
}

#ifdef WATCHES_THREADS
/* Swift's Mutex is taken and given back by code of the program, which the sanitizer sees, as long as nobody waits for
 * it; with somebody waiting, by a library that is not sanitized, so that what the mutex guards would look like a race.
 * The linker puts these in the place of that library's two functions (--wrap), which a program without it does not have. */
void __tsan_acquire(void *);
void __tsan_release(void *);

#define SWIFT __attribute__((swiftcall))
#define SELF __attribute__((swift_context)) void *
#define LOCK "$s15Synchronization12_MutexHandleV9_lockSlowyys6UInt32VF"
#define UNLOCK "$s15Synchronization12_MutexHandleV11_unlockSlowyyF"

__attribute__((weak)) SWIFT void real_lock(unsigned thread, SELF mutex) __asm__("__real_" LOCK);
__attribute__((weak)) SWIFT void real_unlock(SELF mutex) __asm__("__real_" UNLOCK);
SWIFT void wrap_lock(unsigned thread, SELF mutex) __asm__("__wrap_" LOCK);
SWIFT void wrap_unlock(SELF mutex) __asm__("__wrap_" UNLOCK);

SWIFT void wrap_lock(unsigned thread, SELF mutex) {
    real_lock(thread, mutex);
    __tsan_acquire(mutex);
}

SWIFT void wrap_unlock(SELF mutex) {
    __tsan_release(mutex);
    real_unlock(mutex);
}
#endif
