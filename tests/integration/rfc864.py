"""What chargen sends."""


def pattern(lines):
    ring = bytes(range(0x20, 0x7F)) * 2
    return b"".join(ring[i % 95 : i % 95 + 72] + b"\r\n" for i in range(lines))
