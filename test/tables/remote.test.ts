/** Inputs from web servers and object stores: signed, by ranges, continued where they break off,
 *  and never of two versions of a file. */
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import test, { after, afterEach, before } from "node:test";
import { promisify } from "node:util";
import { gzipSync } from "node:zlib";
import { AwsV4Signer } from "aws4fetch";
import { RemoteFiles } from "../../src/remote/files.ts";
import { presigned, signed } from "../../src/remote/signature.ts";
import { bytes, text } from "../../src/sdk/format.ts";
import { newFolder, removeFolder } from "../../src/store/testing/at-end.ts";
import { waitMaxMs } from "../../src/store/testing/patience.ts";
import { filesWays } from "../operators/run.ts";
import { access, type Store, startStore, tagOf } from "./s3-server.ts";

let store: Store;
const folder = newFolder("remote-");
before(async () => {
  store = await startStore();
  Object.assign(process.env, access, { AWS_ENDPOINT_URL: store.url });
});
after(async () => {
  await store.close();
  for (const name of [...Object.keys(access), "AWS_ENDPOINT_URL"]) delete process.env[name];
  removeFolder(folder);
});
afterEach(() => {
  store.fault = () => false;
});

const lines = (count: number) =>
  Array.from({ length: count }, (_, i) => `${i},city${i % 5},${(i * 37) % 100}\n`).join("");
const table = `id,city,price\n${lines(5000)}`;
const limits = { retryMs: 1, retries: 3, stallMs: waitMaxMs };
const read = async (files: RemoteFiles, url: string, start: number, end: number) => {
  const file = await files.look(url, 10);
  const chunks: Uint8Array[] = [];
  for await (const chunk of files.read(file, start, end)) chunks.push(Uint8Array.from(chunk));
  return Buffer.concat(chunks).toString();
};

test("requests are signed as a package that signs them does", async () => {
  const at = new Date("2024-02-29T12:34:56Z");
  const key = { accessKeyId: "AKIA", secretAccessKey: "s/+=", region: "eu-south-2" };
  for (const sessionToken of ["", "token/+="]) {
    for (const path of [
      "/b/a.csv",
      "/b/a%20b%20%26%20%28c%29.csv",
      "/b/?list-type=2&prefix=a b(/*",
    ]) {
      const url = new URL(`https://store.example:8443${path}`);
      for (const method of ["GET", "PUT", "DELETE"]) {
        const sha256 = method === "PUT" ? "ab".repeat(32) : "UNSIGNED-PAYLOAD";
        const amz = method === "PUT" ? { "x-amz-checksum-sha256": "q80=" } : {};
        const call = { method, sha256, amz };
        const ours = signed(url, { ...key, sessionToken }, at, call);
        const datetime = ours["x-amz-date"] as string;
        const token = sessionToken === "" ? {} : { sessionToken };
        const given = { ...key, ...token, url: url.href, service: "s3", datetime, method };
        const own = { "x-amz-content-sha256": sha256, ...amz };
        const { headers } = await new AwsV4Signer({ ...given, headers: own }).sign();
        assert.equal(ours.authorization, headers.get("authorization"), `${method} ${path}`);
      }
    }
  }
});

test("addresses are presigned as a package and the document of S3 do it", async () => {
  const at = new Date("2024-02-29T12:34:56Z");
  const key = { accessKeyId: "AKIA", secretAccessKey: "s/+=", region: "eu-south-2" };
  for (const sessionToken of ["", "token/+="]) {
    for (const method of ["GET", "PUT"] as const) {
      const url = new URL("https://store.example:8443/b/shuffle/j-1/0/12.1");
      const headers = method === "PUT" ? { "content-length": "1234" } : {};
      const ours = presigned(url, { ...key, sessionToken }, at, { method, expiresS: 900, headers });
      const asked = new URL(`${url.href}?X-Amz-Expires=900`);
      const token = sessionToken === "" ? {} : { sessionToken };
      const given = { ...key, ...token, url: asked.href, service: "s3", method, headers };
      const datetime = "20240229T123456Z";
      const theirs = new AwsV4Signer({ ...given, datetime, signQuery: true, allHeaders: true });
      const { searchParams } = (await theirs.sign()).url;
      const sorted = (all: URLSearchParams) => [...all].map((one) => one.join("=")).sort();
      assert.deepEqual(
        sorted(ours.searchParams),
        sorted(searchParams),
        `${method} ${sessionToken}`,
      );
    }
  }
  const example = presigned(
    new URL("https://examplebucket.s3.amazonaws.com/test.txt"),
    {
      accessKeyId: "AKIAIOSFODNN7EXAMPLE",
      secretAccessKey: "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
      sessionToken: "",
      region: "us-east-1",
    },
    new Date("2013-05-24T00:00:00Z"),
    { method: "GET", expiresS: 86_400 },
  );
  const wanted = "aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404";
  assert.equal(example.searchParams.get("X-Amz-Signature"), wanted);
});

test("operators read s3:// as they read files: cut, compressed, globs, folders", async () => {
  store.objects.set("data/sales/a.csv", Buffer.from(table));
  store.objects.set("data/sales/b & (c).csv.gz", gzipSync(table));
  store.objects.set("data/sales/año.csv", Buffer.from("id,city,price\n1,Oaxaca,2\n"));
  store.objects.set("data/sales/_bad/records.csv", Buffer.from("nothing"));
  store.objects.set("data/sales/empty.csv", Buffer.from(""));
  const local = ["a.csv", "año.csv", "b.csv"].map((name) => join(folder, name));
  writeFileSync(local[0]!, table);
  writeFileSync(local[1]!, "id,city,price\n1,Oaxaca,2\n");
  writeFileSync(local[2]!, table);
  const csv = text.csv(["city", "price"]);
  const jobs = [csv.by("city").sum("price"), csv.by("city").count(), csv.sort({ by: "price" })];
  for (const job of jobs) {
    const expected = await filesWays(job, local, { reducers: 2 });
    for (const input of ["s3://data/sales/*.csv*", "s3://data/sales/"]) {
      const { judge, kernels } = await filesWays(job, [input], { splitBytes: 20_000, reducers: 2 });
      assert.deepEqual(kernels, judge);
      const sorted = (parts: readonly string[]) => parts.join("").split("\n").sort();
      assert.deepEqual(sorted(judge.parts), sorted(expected.judge.parts));
    }
  }
});

test("an answer that breaks off is continued, and a busy server asked again", async () => {
  store.objects.set("data/a.csv", Buffer.from(table));
  const files = new RemoteFiles(process.env, limits);
  let faults = 0;
  store.fault = (request, response) => {
    if (faults >= 2 || request.headers.range === "bytes=0-9") return false;
    faults++;
    if (faults === 1) response.writeHead(503).end();
    else {
      const size = table.length;
      const content = Buffer.from(table).subarray(100, 1100);
      const headers = { "content-range": `bytes 100-1099/${size}`, etag: tag() };
      response.writeHead(206, headers);
      response.write(content.subarray(0, 300), () => response.destroy());
    }
    return true;
  };
  assert.equal(await read(files, "s3://data/a.csv", 100, 1100), table.slice(100, 1100));
  assert.equal(faults, 2);
});

function tag(): string {
  return tagOf(store.objects.get("data/a.csv") as Uint8Array);
}

test("a file that changes while it is read is an error, also when its size stays", async () => {
  const files = new RemoteFiles(process.env, limits);
  store.objects.set("data/a.csv", Buffer.from(table));
  const file = await files.look("s3://data/a.csv", 10);
  const reading = async () => {
    for await (const _ of files.read(file, 0, 100));
  };
  store.objects.set("data/a.csv", Buffer.from(table.replace("city1", "city9")));
  await assert.rejects(reading, /data-lost: s3:\/\/data\/a\.csv has changed since the job was/);
  store.objects.delete("data/a.csv");
  await assert.rejects(reading, /data-lost: s3:\/\/data\/a\.csv has changed since the job was/);
});

test("what cannot be read says why: no file, no rights, no ranges, no answer", async () => {
  store.objects.set("data/a.csv", Buffer.from(table));
  const job = text.lines().count();
  await assert.rejects(filesWays(job, ["s3://data/no.csv"]), /no such file: s3:\/\/data\/no\.csv/);
  await assert.rejects(filesWays(job, ["s3://data/no*"]), /no file matches s3:\/\/data\/no\*/);
  await assert.rejects(
    filesWays(job, ["gs://data/a.csv"]),
    /only https:\/\/, http:\/\/ and s3:\/\//,
  );
  const others = new RemoteFiles({ AWS_ENDPOINT_URL: store.url, AWS_ACCESS_KEY_ID: "" }, limits);
  await assert.rejects(
    others.look("s3://data/a.csv", 10),
    /forbidden: .*InvalidAccessKeyId.*no AWS_ACCESS_KEY_ID is set where it is read/,
  );
  const wrong = { ...process.env, AWS_SECRET_ACCESS_KEY: "another" };
  await assert.rejects(
    new RemoteFiles(wrong, limits).look("s3://data/a.csv", 10),
    /SignatureDoesNot/,
  );
  store.fault = (_, response) => {
    response.writeHead(200, { etag: '"x"' }).end("everything");
    return true;
  };
  const web = new RemoteFiles({}, { ...limits, retries: 1 });
  await assert.rejects(web.look(`${store.url}/a`, 10), /serves no ranges/);
  store.fault = (_, response) => {
    response.writeHead(206, { "content-range": "bytes 0-9/100" }).end("0123456789");
    return true;
  };
  await assert.rejects(web.look(`${store.url}/a`, 10), /neither ETag nor Last-Modified/);
  store.fault = () => true;
  // Of this one alone: a busy machine takes so long for an answer, too.
  const hasty = new RemoteFiles({}, { ...limits, stallMs: 50, retries: 1 });
  await assert.rejects(hasty.look(`${store.url}/a`, 10), /unavailable: .*no answer in time/);
  await assert.rejects(web.look("http://127.0.0.1:1/a", 10), /unavailable: .*127\.0\.0\.1:1/);
});

test("of Parquet at an address only the asked columns travel", async () => {
  const rows = Array.from(
    { length: 3000 },
    (_, i) => `{"id":${i},"filling":"${`${i * 7919}`.repeat(20)}"}\n`,
  );
  const plain = join(folder, "rows.ndjson");
  writeFileSync(plain, rows.join(""));
  const made = await filesWays(text.json(["id", "filling"]).table().with({ output: "parquet" }), [
    plain,
  ]);
  store.objects.set("data/t/a.parquet", Buffer.from(made.judge.parts.join(""), "latin1"));
  const job = bytes.parquet(["id"]).where((row) => row.id.ge(2990));
  const { judge, kernels } = await filesWays(job, ["s3://data/t/*.parquet"]);
  assert.deepEqual(kernels, judge);
  assert.equal(judge.parts.join("").split("\n").length, 11);
});

test("a cluster asks an object store by SQL, and gives what the judge gives", async () => {
  store.objects.set("data/sales.csv", Buffer.from(table));
  const query = "select city, sum(price) as total from 's3://data/sales.csv' group by 1 order by 1";
  const bin = join(import.meta.dirname, "..", "..", "bin", "tequio.js");
  const run = (...args: string[]) =>
    promisify(execFile)(process.execPath, [bin, ...args], { env: { ...process.env } });
  const { stdout } = await run("sql", "--local", "--workers", "1", query);
  const { stdout: sequential } = await run("sql", "--sequential", query);
  assert.equal(stdout, sequential);
  assert.match(stdout, /^city,total\ncity0,/);
});
