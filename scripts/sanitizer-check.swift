// Has a bug for each sanitizer, so that scripts/sanitize.sh sees that bugs are reported.
import Dispatch

final class Counter: @unchecked Sendable { var value = 0 }

let counter = Counter()
let counted = DispatchSemaphore(value: 0)
DispatchQueue.global().async {
    counter.value += 1
    counted.signal()
}
counter.value += 1
counted.wait()
let bytes = UnsafeMutablePointer<UInt8>.allocate(capacity: 16)
bytes.initialize(repeating: 1, count: 16)
print(counter.value, bytes[counter.value + 15])
bytes.deallocate()
