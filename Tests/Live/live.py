"""The real daemon and the real `orch`, as a test has them: by the program and its socket alone."""

import subprocess
import time


class Live:
    """Who is one sets `orch`, `folder` and `environment`, and `place`: where `orch` is run unless told otherwise."""

    patience = 60
    """Seconds for something that takes one, on a machine that is loaded."""

    def start(self):
        with open(self.folder / "daemon.log", "ab") as log:
            self.daemon = subprocess.Popen(
                [self.orch, "daemon"], cwd=self.folder, env=self.environment, stdout=log, stderr=log,
                stdin=subprocess.DEVNULL,
            )
        self.wait("the daemon to listen", lambda: self.run("status", check=False).returncode == 0)

    def kill(self):
        """As the kernel would."""
        self.daemon.kill()
        self.daemon.wait()

    def end(self):
        """Ends the daemon and all it has started."""
        if self.daemon.poll() is None:
            self.run("quit", "--on-stop", "halt", check=False)
            try:
                self.daemon.wait(self.patience)
            except subprocess.TimeoutExpired:
                self.kill()

    def run(self, *arguments, cwd=None, check=True):
        done = subprocess.run(
            [self.orch, *arguments], cwd=cwd or self.place, env=self.environment, capture_output=True, text=True,
            timeout=self.patience, stdin=subprocess.DEVNULL,
        )
        if check and done.returncode != 0:
            raise AssertionError(f"orch {' '.join(arguments)}: {done.returncode}: {done.stdout}{done.stderr}")
        return done.stdout if check else done

    def wait(self, what, condition, patience=None):
        """Waits for a fact, and gives back what says so."""
        end = time.monotonic() + (patience or self.patience)
        while True:
            value = condition()
            if value:
                return value
            if time.monotonic() > end:
                log = (self.folder / "daemon.log").read_text()[-3000:]
                raise AssertionError(f"waited in vain for {what}\n{log}")
            time.sleep(0.05)
