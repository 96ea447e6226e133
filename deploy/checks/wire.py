"""For `deploy/contract`: requests to the service, each with a time after which it counts as lost, some of them made as no
client would; and a receiver of webhooks."""
import http.client
import http.server
import json
import socket
import threading
import time
import urllib.parse

# Longer than the service waits for anything itself (half a minute), and not for ever.
TIMEOUT_S = 40


def connection(url):
    return http.client.HTTPConnection(urllib.parse.urlparse(url).netloc, timeout=TIMEOUT_S)


def ask(url, method, path, key=None, body=None, kind="application/json"):
    """Status and body of one request; a body that is not bytes goes as JSON."""
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    if body is not None:
        headers["Content-Type"] = kind
        body = body if isinstance(body, bytes) else json.dumps(body).encode()
    there = connection(url)
    try:
        there.request(method, path, body, headers)
        answer = there.getresponse()
        # A stream of events goes on; that it began is enough.
        stream = answer.getheader("content-type", "").startswith("text/event-stream")
        return answer.status, b"" if stream else answer.read()
    except (OSError, http.client.HTTPException) as error:
        raise RuntimeError(f"{method} {path}: no answer: {error!r}") from error
    finally:
        there.close()


def sent_to(url):
    """Where an address sends a browser on to."""
    there, parts = connection(url), urllib.parse.urlparse(url)
    try:
        there.request("GET", f"{parts.path}?{parts.query}")
        return there.getresponse().getheader("location", "")
    except (OSError, http.client.HTTPException) as error:
        raise RuntimeError(f"{parts.path}: no answer: {error!r}") from error
    finally:
        there.close()


def head_alone(url, method, path, key, kind, n_bytes):
    """The status of a request whose body is said to be so long and does not come."""
    there = connection(url)
    try:
        there.putrequest(method, path)
        if key:
            there.putheader("Authorization", f"Bearer {key}")
        there.putheader("Content-Type", kind)
        there.putheader("Content-Length", str(n_bytes))
        there.endheaders()
        return there.getresponse().status
    except (OSError, http.client.HTTPException) as error:
        raise RuntimeError(f"{method} {path}: no answer to its head: {error!r}") from error
    finally:
        there.close()


def broken(url, path, key, rest):
    """The status of a file whose sending ends with these words: after too few bytes, or as no chunk ends."""
    host, port = urllib.parse.urlparse(url).netloc.split(":")
    with socket.create_connection((host, int(port)), timeout=TIMEOUT_S) as there:
        there.sendall((f"POST {path} HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {key}\r\nContent-Type: text/csv\r\n" + rest).encode())
        said = there.recv(64).split(b" ")
        return int(said[1]) if len(said) > 1 else 0


class Taken(http.server.BaseHTTPRequestHandler):
    """Takes whatever it is told, a little slowly."""

    def do_POST(self):
        time.sleep(0.3)
        self.rfile.read(int(self.headers.get("content-length", 0)))
        self.send_response(204)
        self.end_headers()

    def log_message(self, *said):
        pass


def receiver():
    """The address of a receiver of webhooks on this machine, which ends with this process."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Taken)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return f"http://127.0.0.1:{server.server_port}/"
