"""The example for nginx as it stands, with its addresses replaced, for a real nginx that this user may run."""

import pathlib

NGINX = "/usr/sbin/nginx"
EXAMPLE = pathlib.Path(__file__).resolve().parents[2] / "deploy" / "nginx" / "keyledger.conf"

# One process, so that whoever starts it ends all of it by that one's id.
AROUND = """\
daemon off;
master_process off;
pid {work}/nginx.pid;
error_log stderr;
events {{}}
http {{
    access_log off;
    client_body_temp_path {work}/body;
    proxy_temp_path {work}/proxy;
    fastcgi_temp_path {work}/fastcgi;
    uwsgi_temp_path {work}/uwsgi;
    scgi_temp_path {work}/scgi;
    include {work}/keyledger.conf;
}}
"""

# A proxy that has let its user in, and says so by a bearer token.
SIGNED_IN = """server {{
    listen {listen};
    location / {{
        proxy_pass http://{keyledger};
        proxy_set_header Host $http_host;
        proxy_set_header Authorization "Bearer {token}";
    }}
}}
"""


def configure(work, client_side, keyledgers, application):
    """Writes the configuration below `work`, and gives back the command that runs nginx with it.

    `client_side` and `application` are addresses, `keyledgers` one or more.
    """
    example = EXAMPLE.read_text(encoding="utf-8")
    servers = " ".join(f"server {address};" for address in keyledgers)
    for written, real in (("127.0.0.1:8000", client_side), ("server 127.0.0.1:8080;", servers),
                          ("127.0.0.1:9000", application)):
        addressed = [line for line in example.splitlines() if written in line and not line.startswith("#")]
        assert len(addressed) == 1, f"{written} is in {addressed}"
        example = example.replace(written, real)
    return _frame(work, example)


def sign_in(work, listen, keyledger, token):
    """The same for a proxy that passes everything on to `keyledger` with `token`."""
    return _frame(work, SIGNED_IN.format(listen=listen, keyledger=keyledger, token=token))


def _frame(work, configuration):
    (work / "keyledger.conf").write_text(configuration, encoding="utf-8")
    (work / "nginx.conf").write_text(AROUND.format(work=work), encoding="utf-8")
    return [NGINX, "-p", str(work), "-c", str(work / "nginx.conf"), "-e", "stderr"]
