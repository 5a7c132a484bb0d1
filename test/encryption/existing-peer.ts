/** A peer like existing ones, as a program: it has getFile and no TLS, and serves every caller.
 *
 *  Arguments: its address, the coordinator's URL, fingerprint and token, the file's name and
 *  content. */
import { GrpcServer } from "../../src/link/grpc/server.ts";
import { defaultListenerLimits, openListener } from "../../src/peer/listener.ts";
import { MasterCalls } from "../../src/peer/master/call.ts";
import * as data from "../../src/wire/p4/data.ts";

const [host = "", url = "", fingerprint = "", token = "", name = "", content = ""] =
  process.argv.slice(2);
const grpc = new GrpcServer({
  methods: {
    [data.paths.getFile]: {
      requestMaxBytes: data.messageMaxBytes.request,
      isForAll: true,
      handle: (_request, _call, sink) => sink.send(data.fileBytesParts(Buffer.from(content))),
    },
  },
  onBroken: (error) => console.error(error),
});
const { port } = await openListener({ ...defaultListenerLimits, host, port: 0, grpc, other: null });
const calls = new MasterCalls({ url: `${url}/p4`, fingerprint, bearer: null });
const registration = { client_id: "existing", ip: host, port, genericToken: token };
const registered = await calls.call<{ token: string }>("/register", registration);
await calls.call("/add_file", { token: registered.token, file_name: name });
console.log("shared");
