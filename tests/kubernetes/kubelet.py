"""A kubelet that runs nothing: it answers logs, exec and attach of any pod.

The API server passes these on to the kubelet of the pod's node. This one
speaks the websocket protocol of exec (v5.channel.k8s.io): what comes in on
channel 0 goes out on channel 1; with a command, its words go out first.
"""
import base64
import hashlib
import http.server
import json
import ssl
import struct
import threading
import urllib.parse

_STDIN, _STDOUT, _STATUS, _CLOSE = b'\x00', b'\x01', b'\x03', 255
_GUID = b'258EAFA5-E914-47DA-95CA-C5AB0DC85B11'  # RFC 6455, 1.3.


def accept_key(key):
    return base64.b64encode(hashlib.sha1(key.encode() + _GUID).digest())


def frame(payload, opcode=2):
    size = len(payload)
    head = bytes([0x80 | opcode])
    if size < 126:
        head += bytes([size])
    elif size < 65536:
        head += b'\x7e' + struct.pack('>H', size)
    else:
        head += b'\x7f' + struct.pack('>Q', size)
    return head + payload


def read_frame(file):
    """Opcode and payload; None at the end."""
    head = file.read(2)
    if len(head) < 2:
        return None
    size = head[1] & 0x7f
    if size == 126:
        size = struct.unpack('>H', file.read(2))[0]
    elif size == 127:
        size = struct.unpack('>Q', file.read(8))[0]
    mask = file.read(4) if head[1] & 0x80 else b'\0\0\0\0'
    body = bytes(x ^ mask[i % 4] for i, x in enumerate(file.read(size)))
    return head[0] & 0x0f, body


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = 'HTTP/1.1'

    def log_message(self, *_):
        pass

    def do_GET(self):
        if self.path.startswith('/containerLogs/'):
            self._logs()
        elif self.headers.get('Upgrade', '').lower() == 'websocket':
            self._stream()
        else:
            self.send_error(400, 'only websockets are spoken here')

    do_POST = do_GET

    def _logs(self):
        """Three lines; when they are followed, the last ones come one by one,
        each when the test says so."""
        asked = urllib.parse.parse_qs(urllib.parse.urlsplit(self.path).query)
        self.send_response(200)
        self.send_header('Content-Type', 'text/plain')
        self.send_header('Transfer-Encoding', 'chunked')
        self.end_headers()
        for i in range(3):
            if 'follow' in asked and i:
                self.server.next_line.acquire(timeout=60)
            line = f'line {i}\n'.encode()
            self.wfile.write(b'%x\r\n%s\r\n' % (len(line), line))
            self.wfile.flush()
        self.wfile.write(b'0\r\n\r\n')

    def _stream(self):
        wanted = self.headers['Sec-WebSocket-Protocol']
        asked = urllib.parse.parse_qs(urllib.parse.urlsplit(self.path).query)
        self.send_response(101)
        self.send_header('Upgrade', 'websocket')
        self.send_header('Connection', 'Upgrade')
        self.send_header('Sec-WebSocket-Accept', accept_key(
            self.headers['Sec-WebSocket-Key']).decode())
        self.send_header('Sec-WebSocket-Protocol', wanted.split(',')[0].strip())
        self.end_headers()
        self.close_connection = True
        words = ' '.join(asked.get('command', []))
        if words:
            self._send(_STDOUT + f'{words}\n'.encode())
        if 'input' in asked or 'stdin' in asked:
            self._echo()
        self._send(_STATUS + json.dumps(
            {'kind': 'Status', 'apiVersion': 'v1', 'metadata': {},
             'status': 'Success'}).encode())
        self._send(struct.pack('>H', 1000), 8)

    def _send(self, payload, opcode=2):
        self.wfile.write(frame(payload, opcode))
        self.wfile.flush()

    def _echo(self):
        while (got := read_frame(self.rfile)) is not None:
            opcode, payload = got
            if opcode == 8 or payload[:1] == bytes([_CLOSE]):
                return
            if opcode == 9:
                self._send(payload, 10)
            elif payload[:1] == _STDIN:
                self._send(_STDOUT + payload[1:])


class Kubelet:
    """Listens at an address of a site; ends with the test."""

    def __init__(self, site):
        self._server = http.server.ThreadingHTTPServer((site.ip, 0), _Handler)
        self._server.daemon_threads = True
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        tls.load_cert_chain(site.folder / 'tls' / 'front.crt',
                            site.folder / 'tls' / 'front.key')
        self._server.socket = tls.wrap_socket(self._server.socket,
                                              server_side=True)
        self._server.next_line = threading.Semaphore(0)
        self.ip = site.ip
        self.port = self._server.server_address[1]

    def let_next_line_go(self):
        self._server.next_line.release()

    def __enter__(self):
        threading.Thread(target=self._server.serve_forever,
                         daemon=True).start()
        return self

    def __exit__(self, *_):
        self._server.shutdown()
        self._server.server_close()
