/** Ways out of a sandbox that job code may try. `__HTTP__` is a server that counts its callers, and
 *  `__OWN__` the gateway. Each returns a text that begins with "out" when it reached something; an
 *  exception counts as a failure to get out. The test shows the names. */
export const workerProbes: Readonly<Record<string, string>> = {
  fetch: `await fetch("__HTTP__/fetch"); return "out";`,
  "fetch without cors": `await fetch("__HTTP__/no-cors", { mode: "no-cors" }); return "out";`,
  "fetch that outlives the page": `await fetch("__HTTP__/x", { keepalive: true }); return "out";`,
  "fetch of the gateway": `await fetch("__OWN__/speed?bytes=1"); return "out";`,
  "fetch made by eval": `await (0, eval)("fetch('__HTTP__/eval')"); return "out";`,
  XMLHttpRequest: `const x = new XMLHttpRequest(); x.open("GET", "__HTTP__/xhr", false); x.send();
    return "out";`,
  WebSocket: `return within(new Promise((resolve, reject) => {
    const socket = new WebSocket("__WS__/ws");
    socket.onopen = () => resolve("out");
    socket.onerror = () => reject(new Error("refused"));
  }));`,
  "WebSocket of the gateway": `return within(new Promise((resolve, reject) => {
    const socket = new WebSocket("__OWNWS__/tab");
    socket.onopen = () => resolve("out");
    socket.onerror = () => reject(new Error("refused"));
  }));`,
  WebSocketStream: `await new WebSocketStream("__WS__/wss").opened; return "out";`,
  EventSource: `return within(new Promise((resolve, reject) => {
    const source = new EventSource("__HTTP__/events");
    source.onopen = () => resolve("out");
    source.onerror = () => reject(new Error("refused"));
  }));`,
  importScripts: `importScripts("__HTTP__/script.js"); return "out";`,
  "dynamic import": `await import("__HTTP__/module.js"); return "out";`,
  "dynamic import of data": `await import("data:text/javascript,export default 1"); return "out";`,
  WebTransport: `const t = new WebTransport("__HTTPS__/t"); await within(t.ready); return "out";`,
  RTCPeerConnection: `new RTCPeerConnection({ iceServers: [{ urls: "stun:__UDP__" }] });
    return "out";`,
  sendBeacon: `return navigator.sendBeacon("__HTTP__/beacon", "x") ? "out" : "refused";`,
  "a font": `await new FontFace("f", "url(__HTTP__/font.woff2)").load(); return "out";`,
  "WebAssembly that streams": `await WebAssembly.compileStreaming(fetch("__HTTP__/m.wasm"));
    return "out";`,
  navigation: `location.href = "__HTTP__/navigation"; return String(location.protocol);`,
  "window.open": `window.open("__HTTP__/window"); return "out";`,
  "a form": `const f = document.createElement("form"); f.action = "__HTTP__/form"; f.submit();
    return "out";`,
  localStorage: `localStorage.setItem("a", "b"); return "out";`,
  sessionStorage: `return "out " + sessionStorage.length;`,
  indexedDB: `return within(new Promise((resolve, reject) => {
    const asked = indexedDB.open("a");
    asked.onsuccess = () => resolve("out");
    asked.onerror = () => reject(asked.error);
  }));`,
  caches: `await caches.open("a"); return "out";`,
  "files of the origin": `await navigator.storage.getDirectory(); return "out";`,
  cookies: `return "out " + (await cookieStore.getAll()).length + document.cookie;`,
  parent: `return "out " + parent.location.href;`,
  top: `top.location = "__HTTP__/top"; return "out";`,
  opener: `return "out " + opener.location;`,
  BroadcastChannel: `new BroadcastChannel("page").postMessage("out"); return "out";`,
  "a nested Worker": `new Worker(URL.createObjectURL(new Blob(["1"]))); return "out";`,
  "a nested Worker of another origin": `new Worker("__HTTP__/worker.js"); return "out";`,
  "a SharedWorker": `new SharedWorker(URL.createObjectURL(new Blob(["1"]))); return "out";`,
  "a service worker": `await navigator.serviceWorker.register("__OWN__/sw.js"); return "out";`,
  "a message to the page": `postMessage({ kind: "shown", shown: {} }); return "not delivered";`,
};

/** The same from the frame of the Workers, where no job code ever is: what its policy alone
 *  prevents. */
export const frameProbes: Readonly<Record<string, string>> = {
  "fetch in the frame": `await fetch("__HTTP__/frame"); return "out";`,
  "an image": `return within(new Promise((resolve, reject) => {
    const image = new Image();
    image.onload = () => resolve("out");
    image.onerror = () => reject(new Error("refused"));
    image.src = "__HTTP__/image.png";
  }));`,
  "a script": `return within(new Promise((resolve, reject) => {
    const script = document.createElement("script");
    script.onload = () => resolve("out");
    script.onerror = () => reject(new Error("refused"));
    script.src = "__HTTP__/script.js";
    document.body.append(script);
  }));`,
  "a style sheet": `return within(new Promise((resolve, reject) => {
    const link = document.createElement("link");
    link.rel = "stylesheet";
    link.onload = () => resolve("out");
    link.onerror = () => reject(new Error("refused"));
    link.href = "__HTTP__/style.css";
    document.head.append(link);
  }));`,
  "a frame in the frame": `const frame = document.createElement("iframe");
    frame.src = "__HTTP__/inner"; document.body.append(frame); await pause(); return "kept";`,
  "a form in the frame": `const form = document.createElement("form");
    form.action = "__HTTP__/form"; document.body.append(form); form.submit(); await pause();
    return "kept";`,
  "window.open in the frame": `return open("__HTTP__/open") === null ? "refused" : "out";`,
  "the page's document": `return "out " + parent.document.title;`,
  "the page's address": `top.location.href = "__HTTP__/top"; return "out";`,
  "localStorage in the frame": `return "out " + localStorage.length;`,
  "cookies in the frame": `document.cookie = "a=b"; return "out " + document.cookie;`,
  "WebRTC in the frame": `const iceServers = [{ urls: "stun:__UDP__" }];
    const peer = new RTCPeerConnection({ iceServers });
    peer.createDataChannel("a"); await peer.setLocalDescription(); await pause(); return "out";`,
};

/** The same for job code in Python, as statements of a function: Pyodide reaches what its Worker
 *  has. Nothing waits for what is "asked": the server shows that it did not arrive. */
export const pythonProbes: Readonly<Record<string, string>> = {
  urllib: `import urllib.request; urllib.request.urlopen("__HTTP__/urllib", None, 1); return "out"`,
  socket: `import socket; socket.create_connection(("127.0.0.1", __PORT__), 1); return "out"`,
  "the script's requests": `from pyodide.http import open_url
    open_url("__HTTP__/x"); return "out"`,
  XMLHttpRequest: `import js; x = js.XMLHttpRequest.new(); x.open("GET", "__HTTP__/xhr", False)
    x.send(); return "out"`,
  "fetch of JavaScript": `from pyodide.code import run_js
    return run_js("(() => { fetch('__HTTP__/js'); return 'asked'; })()")`,
  "a socket of JavaScript": `import js; js.WebSocket.new("__WS__/ws"); return "asked"`,
  "a datagram": `import js; js.RTCPeerConnection.new(); return "out"`,
  "a script": `import js; js.importScripts("__HTTP__/script.js"); return "out"`,
  "a nested Worker": `import js; js.Worker.new("__HTTP__/worker.js"); return "out"`,
  "a beacon": `import js
    return "out" if js.navigator.sendBeacon("__HTTP__/b", "x") else "refused"`,
  "a database": `import js; js.indexedDB.open("a"); return "out"`,
  "caches of the origin": `import js; js.caches.open("a"); return "out"`,
  "files of the origin": `import js; js.navigator.storage.getDirectory(); return "out"`,
  "another tab": `import js; js.BroadcastChannel.new("page").postMessage("out"); return "out"`,
  "the page": `import js; js.parent.location; return "out"`,
  "a process": `import os; return "refused" if os.system("true") else "out"`,
};
