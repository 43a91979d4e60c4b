"""Messages whose subjects are numbers, so that tests can tell which of them are where."""


def put(client, folder, count, begin=0, flags="(\\Seen $Work)", sender="bob"):
    for i in range(begin, begin + count):
        text = f"From: {sender} <{sender}@example.test>\r\nSubject: =?utf-8?q?number_{i}?=\r\n\r\nbody {i}\r\n"
        client.append(folder, flags, f'"{1 + i % 28:02d}-Jan-2024 10:00:00 +0000"', text.encode())


def subjects(client, folder):
    client.select(folder, readonly=True)
    numbers = client.search(None, "ALL")[1][0].split()
    found = client.fetch(b",".join(numbers), "(BODY.PEEK[HEADER.FIELDS (SUBJECT)])")[1] if numbers else []
    client.unselect()
    return sorted(int(part[1].split(b"number_")[1].split(b"?")[0]) for part in found if isinstance(part, tuple))
