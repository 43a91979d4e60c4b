#!/usr/bin/env python3
"""readme.py: the lines of README.md's "A first site by hand" do what they say, pasted in one go; other ports and folder."""
import os, pathlib, re, shutil, subprocess, tempfile
from house import BUILD, Checks, ROOT, free_ports

check = Checks()
text = (ROOT / "README.md").read_text()
lines = re.search(r"## A first site by hand.*?```sh\n(.*?)```", text, re.S)[1]
place = pathlib.Path(tempfile.mkdtemp(prefix="maild."))
for port, free in zip(("25", "587", "993"), free_ports(3)):
    lines = lines.replace(f"'*:{port}'", f"127.0.0.1:{free}")
lines = lines.replace("/srv/mail", str(place / "mail"))
lines = re.sub(r"^PATH=.*$", f"PATH={BUILD}/maild:{BUILD}/mailctl:$PATH", lines, flags=re.M)
check("the block starts, exports and stops", all(w in lines for w in ("maild serve", "mailctl export", "kill %1")), lines)
script = "set -eum\ntrap 'kill $(jobs -p) 2>/dev/null || true' EXIT\n" + lines + "wait %1\n"
done = subprocess.run(["bash", "-c", script], cwd=place, capture_output=True, text=True, timeout=100)
check("every line succeeds, and maild stops with 0", done.returncode == 0, done.stdout + done.stderr)
check("a password is printed, and nothing is left to change", re.search(r"^\S{16,}$", done.stdout, re.M) and
      "no changes" in done.stdout, done.stdout)
check("three listeners accepted", done.stderr.count("event=listener_opened") == 3, done.stderr)
site = (place / "site.yaml").read_text()
check("the export has the site", "ann@example.org" in site and "mx.example.org" in site, site)
shutil.rmtree(place)
check.finish()
