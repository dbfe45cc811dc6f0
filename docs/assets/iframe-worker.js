// Search runs in a Web Worker, which browsers refuse to a page that is opened as a file. There,
// and only there, this stands in for it: the worker's script runs in a hidden frame, and both
// sides talk by the same messages. Named after its purpose; the theme asks for a polyfill whose
// name holds "iframe-worker" and would otherwise load one from the network.
if (location.protocol === "file:") {
  const load = (frame, url) =>
    new Promise((loaded, failed) => {
      const script = frame.contentDocument.createElement("script");
      script.src = url;
      script.onload = loaded;
      script.onerror = () => failed(new Error(`cannot load ${url}`));
      frame.contentDocument.head.append(script);
    });

  window.Worker = class extends EventTarget {
    constructor(url) {
      super();
      const frame = document.createElement("iframe");
      frame.hidden = true;
      frame.srcdoc = "<!doctype html><title>search</title>";
      this.inside = new Promise((ready, failed) => {
        frame.onload = async () => {
          const own = frame.contentWindow;
          own.postMessage = (data) => this.dispatchEvent(new MessageEvent("message", { data }));
          own.importScripts = async (...urls) => {
            for (const one of urls) await load(frame, one);
          };
          await load(frame, url).catch(failed);
          ready(own);
        };
      });
      document.body.append(frame);
    }

    async postMessage(data) {
      const own = await this.inside;
      own.dispatchEvent(new own.MessageEvent("message", { data }));
    }
  };
}
