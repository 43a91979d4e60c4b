#!/usr/bin/env python3
"""clients.py: other people's SMTP clients against maild: swaks, msmtp and nodemailer with every sign-in and way of TLS that they
know, and a real Postfix that sends to the exchanger and through submission."""
import json, os, shutil, subprocess
from house import Checks, House, Smtp, free_ports, until
from postfix import Postfix

check = Checks()
os.environ["PATH"] += ":/usr/sbin:/sbin"
for program in ("swaks", "msmtp", "postfix"):
    if not shutil.which(program):
        raise SystemExit(f"{program} is not installed: scripts/packages test")
(sink_port, postfix_port) = free_ports(2)
house = House(mailboxes=("ann", "bob"), extra=f"""---
kind: route
items: {{outside: {{domains: [outside.test], relay: "127.0.0.1:{sink_port}", retry: [1h]}}}}
""")
text = house.site.read_text().replace("  imap: {", f"""  submissions: {{protocol: submission, bind: "127.0.0.1:{house.ports['submissions']}", tls: implicit}}
  imap: {{""", 1)
house.site.write_text(text)
check("maild starts", house.start(), house.tail())
authority = house.data / "tls/default.crt"
os.chmod(house.dir, 0o755)


def run(*command, **more):
    return subprocess.run([str(c) for c in command], capture_output=True, text=True, timeout=60, **more)


def arrived(marker, user="bob"):
    """The message with this subject is in the inbox."""
    def look():
        client = house.imap(user)
        client.select("INBOX", readonly=True)
        found = client.search(None, "SUBJECT", marker)[1][0]
        client.logout()
        return found
    return until(look)


# swaks: every way of TLS that a listener has, every sign-in that swaks knows and maild offers.
def swaks(*arguments, port="submission", user="ann@example.test", password="secret"):
    sign_in = ("--auth-user", user, "--auth-password", password) if port != "smtp" else ()
    return run("swaks", "--server", "127.0.0.1", "--port", house.ports[port], "--timeout", "15", "--helo", "client.test", *sign_in,
               *arguments)


verified = ("--tls-ca-path", authority, "--tls-verify")
for mechanism in ("PLAIN", "LOGIN"):
    for way, flag, port in (("STARTTLS", "--tls", "submission"), ("TLS from the first byte", "--tlsc", "submissions")):
        subject = f"swaks-{mechanism}-{port}"
        done = swaks(flag, *verified, "--auth", mechanism, "--from", "ann@example.test", "--to", "bob@example.test", "--header",
                     f"Subject: {subject}", port=port)
        check(f"swaks: AUTH {mechanism} over {way}", done.returncode == 0, done.stdout[-300:] + done.stderr)
        check("it arrives", arrived(subject))
done = swaks("--auth", "PLAIN", "--from", "ann@example.test", "--to", "bob@example.test")
check("swaks: no sign-in is offered in clear", done.returncode == 28 and "AUTH" not in done.stdout.split("STARTTLS")[0], done.stdout[-300:])
done = swaks("--tls", "--auth", "PLAIN", "--quit-after", "AUTH", password="wrong")
check("swaks: a wrong password is 535", "535 5.7.8" in done.stdout, done.stdout[-300:])
for version in ("tlsv1_2", "tlsv1_3"):
    done = swaks("--tls", "--tls-protocol", version, *verified, "--auth", "PLAIN", "--from", "ann@example.test", "--to",
                 "bob@example.test", "--quit-after", "RCPT")
    check(f"swaks: {version}", done.returncode == 0, done.stdout[-300:])
done = swaks("--tls", "--tls-protocol", "tlsv1_1", "--quit-after", "EHLO")
check("swaks: TLS 1.1 is refused", done.returncode == 29, done.stdout[-300:])
done = swaks("--tls-optional", "--pipeline", "--from", "x@elsewhere.test", "--to", "bob@example.test", "--header", "Subject: swaks-mx", port="smtp")
check("swaks: pipelined to the exchanger over STARTTLS, without sign-in", done.returncode == 0 and arrived("swaks-mx"), done.stdout[-300:])
done = swaks("--tls", "--from", "x@elsewhere.test", "--to", "bob@outside.test", "--quit-after", "RCPT", port="smtp")
check("swaks: the exchanger relays for nobody", "550 5.7" in done.stdout, done.stdout[-300:])

# msmtp knows SCRAM as well.
for mechanism in ("plain", "login", "scram-sha-1", "scram-sha-256"):
    for way, starttls, port in (("STARTTLS", "on", "submission"), ("TLS from the first byte", "off", "submissions")):
        subject = f"msmtp-{mechanism}-{port}"
        done = run("msmtp", "--host=127.0.0.1", f"--port={house.ports[port]}", "--tls=on", f"--tls-starttls={starttls}",
                   f"--tls-trust-file={authority}", "--tls-host-override=mx.example.test", f"--auth={mechanism}", "--user=ann@example.test",
                   "--passwordeval=echo secret", "--from=ann@example.test", "bob@example.test",
                   input=f"From: ann@example.test\nTo: bob@example.test\nSubject: {subject}\n\nhello\n")
        if mechanism == "scram-sha-1" and done.returncode != 0:
            check("msmtp: SCRAM-SHA-1 is not offered where no such verifier is kept", "not support" in done.stderr, done.stderr)
            break
        check(f"msmtp: {mechanism} over {way}", done.returncode == 0 and arrived(subject), done.stderr)
done = run("msmtp", "--host=127.0.0.1", f"--port={house.ports['submission']}", "--tls=on", "--tls-starttls=on",
           f"--tls-trust-file={authority}", "--tls-host-override=mx.example.test", "--auth=scram-sha-256", "--user=ann@example.test",
           "--passwordeval=echo wrong", "--from=ann@example.test", "bob@example.test", input="Subject: no\n\n")
check("msmtp: SCRAM with a wrong password", done.returncode != 0 and "535" in done.stderr, done.stderr)

# nodemailer comes from npm into the test's own folder.
SCRIPT = """
const [authority, port, secure, method, subject] = process.argv.slice(2);
const transport = require("nodemailer").createTransport({host: "127.0.0.1", port: Number(port), secure: secure === "true", requireTLS: true,
  authMethod: method, auth: {user: "ann@example.test", pass: "secret"}, pool: true, maxConnections: 2,
  tls: {ca: require("fs").readFileSync(authority), servername: "mx.example.test"}});
const one = (n) => transport.sendMail({from: "ann@example.test", to: "bob@example.test", subject: subject + n, text: "gr\\u00fc\\u00dfe",
  html: "<b>gr\\u00fc\\u00dfe</b>", attachments: [{filename: "b\\u00fccher.bin", content: Buffer.alloc(100000, 7)}], dsn: {id: "id" + n,
  return: "headers", notify: ["failure"], recipient: "ann@example.test"}});
Promise.all([1, 2, 3].map(one)).then((all) => {console.log(JSON.stringify(all.map((i) => i.response))); transport.close();},
  (error) => {console.error(error.message); process.exit(1);});
"""
modules = house.dir / "node"
modules.mkdir()
(modules / "send.js").write_text(SCRIPT)
installed = shutil.which("npm") and run("npm", "install", "--no-audit", "--no-fund", "--prefix", modules, "nodemailer@6").returncode == 0
if installed:
    for method in ("PLAIN", "LOGIN"):
        for secure, port in (("false", "submission"), ("true", "submissions")):
            subject = f"node-{method}-{port}-"
            done = run("node", "send.js", authority, house.ports[port], secure, method, subject, cwd=modules)
            check(f"nodemailer: {method}, secure {secure}, three at once with attachments", done.returncode == 0 and
                  all(r.startswith("250") for r in json.loads(done.stdout)), done.stderr)
            check("they arrive", all(arrived(subject + str(n)) for n in (1, 2, 3)))
else:
    print("skip - nodemailer: npm is not here or cannot reach its registry")

# Postfix as client: to the exchanger over verified TLS, and through submission with sign-in.
postfix = Postfix(house.dir / "postfix", f"127.0.0.1:{postfix_port}", f"""myhostname = client.elsewhere.test
mynetworks = 127.0.0.0/8
relayhost = [127.0.0.1]:{house.ports['smtp']}
default_transport = smtp
smtp_tls_CAfile = {authority}
smtp_tls_security_level = secure
smtp_tls_secure_cert_match = mx.example.test
smtp_tls_loglevel = 1
smtp_dns_support_level = disabled
sender_dependent_relayhost_maps = inline:{{ann@example.test=[127.0.0.1]:{house.ports['submission']}}}
smtp_sender_dependent_authentication = yes
smtp_sasl_auth_enable = yes
smtp_sasl_password_maps = inline:{{ann@example.test=ann@example.test:secret}}
smtp_sasl_security_options = noanonymous
""")
started = postfix.start()
check("Postfix starts", started.returncode == 0, started.stderr)


def through_postfix(sender, recipients, subject, body="hello"):
    client = Smtp(postfix_port)
    reply = client.deliver(sender, recipients, f"From: {sender}\r\nSubject: {subject}\r\n\r\n{body}")
    client.close()
    return reply


reply = through_postfix("x@elsewhere.test", ["bob@example.test", "ann@example.test"], "from-postfix", "..\r\n...leading dots\r\n" + "x" * 900)
check("Postfix takes it", reply.startswith("250"), reply)
check("Postfix delivers to the exchanger, two recipients at once", arrived("from-postfix") and arrived("from-postfix", "ann"), postfix.log()[-900:])
check("over verified TLS", "Verified TLS connection established" in postfix.log(), postfix.log()[-900:])
through_postfix("x@elsewhere.test", ["nobody@example.test"], "to-nobody")
check("Postfix hears that a recipient does not exist", until(lambda: "550 5.1.1" in postfix.log()), postfix.log()[-900:])
through_postfix("ann@example.test", ["a@outside.test"], "signed-in")
check("Postfix signs in at submission and relays", until(lambda: any(
    i["recipient"] == "a@outside.test" for i in house.mailctl_json("queue", "list")["items"])), postfix.log()[-900:])
check("and nothing is left at Postfix but what was refused", until(lambda: postfix.log().count("status=sent") >= 3), postfix.log()[-900:])
check("it stops cleanly", house.stop() == 0, house.tail())
check.finish()
