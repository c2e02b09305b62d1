"""Certificates for the tests, made by openssl."""

import subprocess

DEADLINE = 60  # Seconds.


def make_certificate(folder, name="server", subject="localhost", kind="ec"):
    """A self-signed one for localhost and 127.0.0.1, and its key: the names of both files."""
    certificate, key = folder / f"{name}.pem", folder / f"{name}-key.pem"
    algorithm = ["ec", "-pkeyopt", "ec_paramgen_curve:P-256"] if kind == "ec" else ["rsa:2048"]
    subprocess.run(["openssl", "req", "-x509", "-newkey", *algorithm, "-nodes", "-days", "2", "-subj", f"/CN={subject}",
                    "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1", "-keyout", str(key), "-out",
                    str(certificate)], check=True, capture_output=True, timeout=DEADLINE)
    return certificate, key
