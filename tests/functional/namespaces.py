"""Network and mount namespaces of a test's own, where it may do to lines and files what the machine must not suffer. Needs root."""
import os, subprocess, sys


def enter(setup, environment=None):
    """Runs the calling program again in namespaces of its own, after the shell commands `setup`; returns there. Outside it ends with
    that run's status, or with 77 (skipped) where there can be no namespaces or `setup` fails."""
    if "IN_NAMESPACE" in os.environ:
        return
    if os.geteuid() != 0 or subprocess.run(["unshare", "-n", "-m", "true"], capture_output=True).returncode != 0:
        print("skip - no namespaces here")
        sys.exit(77)
    script = f"(set -e\nip link set lo up\n{setup}) || {{ echo 'skip - the namespace cannot be set up'; exit 77; }}\nexec \"$@\""
    done = subprocess.run(["unshare", "-n", "-m", "sh", "-c", script, "sh", sys.executable, os.path.abspath(sys.argv[0])],
                          env=os.environ | (environment or {}) | {"IN_NAMESPACE": "1"})
    sys.exit(done.returncode)
