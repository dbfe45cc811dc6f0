"""A stand-in for Micro-Manager's server port: JSON over a ZeroMQ REP socket, no Java.

Serves one ``mmcorej.CMMCore`` backed by pymmcore with the demonstration configuration.
Run as a program: prints its port and serves until its standard input closes.
"""

import json
import os
import sys
import threading
from pathlib import Path

import numpy as np
import pymmcore
import zmq
from mm_test_adapters import device_adapter_path

VOID, TEXT, NUMBER, WHOLE, LOGICAL = "void", "java.lang.String", "double", "long", "boolean"
METHODS = {
    "getVersionInfo": [([], TEXT)],
    "setXYPosition": [([NUMBER, NUMBER], VOID)],
    "getXPosition": [([], NUMBER)],
    "getYPosition": [([], NUMBER)],
    "setPosition": [([NUMBER], VOID)],
    "getPosition": [([], NUMBER)],
    "setConfig": [([TEXT, TEXT], VOID)],
    "getCurrentConfig": [([TEXT], TEXT)],
    "setExposure": [([NUMBER], VOID)],
    "getExposure": [([], NUMBER)],
    "waitForSystem": [([], VOID)],
    "snapImage": [([], VOID)],
    "getTaggedImage": [([], "mmcorej.TaggedImage")],
    "setProperty": [([TEXT, TEXT, TEXT], VOID)],
}


class FakeMicroManager:
    """Answers the bridge's commands."""

    def __init__(self, core, port):
        self.core = core
        self.port = port
        self.objects = {}

    def answer(self, message):
        """Return (reply, extra message parts) to one request."""
        handler = getattr(self, "_" + message["command"].replace("-", "_"), None)
        if handler is None:
            return {"type": "exception", "value": f"unsupported: {message['command']}"}, []
        return handler(message)

    def _connect(self, message):
        return {"type": "none", "version": "5.1.0"}, []

    def _get_constructors(self, message):
        return {"type": "none", "api": [{"name": message["classpath"], "arguments": []}]}, []

    def _constructor(self, message):
        return self._shadow(self.core, "mmcorej.CMMCore", METHODS, []), []

    def _destructor(self, message):
        self.objects.pop(message["hash-code"], None)
        return {"type": "none"}, []

    def _get_field(self, message):
        image = self.objects[message["hash-code"]]
        if message["name"] == "tags":
            height, width = image.shape
            tags = {"Height": height, "Width": width, "PixelType": f"GRAY{8 * image.itemsize}"}
            return {"type": "object", "class": "JSONObject", "value": json.dumps(tags)}, []
        mark = 12345
        kind = "short-array" if image.dtype == np.uint16 else "byte-array"
        parts = [mark.to_bytes(4, sys.byteorder), image.tobytes()]
        return {"type": kind, "value": f"@{mark:x}"}, parts

    def _run_method(self, message):
        name, arguments = message["name"], message["arguments"]
        try:
            if name == "getTaggedImage":
                return self._shadow(
                    self.core.getImage(), "mmcorej.TaggedImage", {}, ["pix", "tags"]
                ), []
            result = getattr(self.objects[message["hash-code"]], name)(*arguments)
        except Exception as error:  # noqa: BLE001 - whatever the core throws
            return {"type": "exception", "value": f"java.lang.Exception: {error}"}, []
        if result is None:
            return {"type": "null"}, []
        return {"type": "string" if isinstance(result, str) else "primitive", "value": result}, []

    def _shadow(self, value, java_class, methods, fields):
        handle = f"h{len(self.objects)}"
        self.objects[handle] = value
        return {
            "type": "unserialized-object",
            "class": java_class,
            "hash-code": handle,
            "port": self.port,
            "interfaces": [java_class, "java.lang.Object"],
            "fields": fields,
            "api": [
                {"name": name, "arguments": arguments, "return-type": result}
                for name, signatures in methods.items()
                for arguments, result in signatures
            ],
        }


def main():
    folder = Path(device_adapter_path())
    core = pymmcore.CMMCore()
    core.setDeviceAdapterSearchPaths([str(folder)])
    core.loadSystemConfiguration(str(folder / "MMConfig_demo.cfg"))
    socket = zmq.Context.instance().socket(zmq.REP)
    port = socket.bind_to_random_port("tcp://127.0.0.1")
    server = FakeMicroManager(core, port)

    def end_with_parent():
        sys.stdin.read()
        os._exit(0)

    threading.Thread(target=end_with_parent, daemon=True).start()
    sys.stdout.write(f"{port}\n")
    sys.stdout.flush()
    while True:
        parts = socket.recv_multipart()
        reply, extra = server.answer(json.loads(parts[0].decode("iso-8859-1")))
        socket.send_multipart([json.dumps(reply).encode("iso-8859-1"), *extra])


if __name__ == "__main__":
    main()
