/** Members of globals that all engines have. What is not listed is removed, since browsers gain
 *  members with each of their releases. */

/** Of each global, and after `#` of its prototype. `Buffer` is ours in tabs: all of it is there.
 *  Names that begin with an underscore are an engine's own. */
const listed = `
AbortController: # abort signal
AbortSignal: abort any timeout # aborted onabort reason throwIfAborted
AggregateError: # message
Array: from fromAsync isArray of # at concat copyWithin entries every fill filter find findIndex
  findLast findLastIndex flat flatMap forEach includes indexOf join keys lastIndexOf map pop push
  reduce reduceRight reverse shift slice some sort splice toLocaleString toReversed toSorted
  toSpliced toString unshift values with
ArrayBuffer: isView # byteLength detached maxByteLength resizable resize slice transfer
  transferToFixedLength
AsyncDisposableStack: # adopt defer disposeAsync disposed move use
Atomics: add and compareExchange exchange isLockFree load notify or pause store sub wait waitAsync
  xor
BigInt: asIntN asUintN # toLocaleString toString valueOf
BigInt64Array: BYTES_PER_ELEMENT # BYTES_PER_ELEMENT
BigUint64Array: BYTES_PER_ELEMENT # BYTES_PER_ELEMENT
Blob: # arrayBuffer bytes size slice stream text type
Boolean: # toString valueOf
ByteLengthQueuingStrategy: # highWaterMark size
CloseEvent: # code reason wasClean
CompressionStream: # readable writable
CountQueuingStrategy: # highWaterMark size
Crypto: # getRandomValues randomUUID subtle
CustomEvent: # detail
DOMException: ABORT_ERR DATA_CLONE_ERR DOMSTRING_SIZE_ERR HIERARCHY_REQUEST_ERR INDEX_SIZE_ERR
  INUSE_ATTRIBUTE_ERR INVALID_ACCESS_ERR INVALID_CHARACTER_ERR INVALID_MODIFICATION_ERR
  INVALID_NODE_TYPE_ERR INVALID_STATE_ERR NAMESPACE_ERR NETWORK_ERR NOT_FOUND_ERR
  NOT_SUPPORTED_ERR NO_DATA_ALLOWED_ERR NO_MODIFICATION_ALLOWED_ERR QUOTA_EXCEEDED_ERR
  SECURITY_ERR SYNTAX_ERR TIMEOUT_ERR TYPE_MISMATCH_ERR URL_MISMATCH_ERR VALIDATION_ERR
  WRONG_DOCUMENT_ERR # ABORT_ERR DATA_CLONE_ERR DOMSTRING_SIZE_ERR HIERARCHY_REQUEST_ERR
  INDEX_SIZE_ERR INUSE_ATTRIBUTE_ERR INVALID_ACCESS_ERR INVALID_CHARACTER_ERR
  INVALID_MODIFICATION_ERR INVALID_NODE_TYPE_ERR INVALID_STATE_ERR NAMESPACE_ERR NETWORK_ERR
  NOT_FOUND_ERR NOT_SUPPORTED_ERR NO_DATA_ALLOWED_ERR NO_MODIFICATION_ALLOWED_ERR
  QUOTA_EXCEEDED_ERR SECURITY_ERR SYNTAX_ERR TIMEOUT_ERR TYPE_MISMATCH_ERR URL_MISMATCH_ERR
  VALIDATION_ERR WRONG_DOCUMENT_ERR code message
DataView: # buffer byteLength byteOffset getBigInt64 getBigUint64 getFloat16 getFloat32 getFloat64
  getInt16 getInt32 getInt8 getUint16 getUint32 getUint8 setBigInt64 setBigUint64 setFloat16
  setFloat32 setFloat64 setInt16 setInt32 setInt8 setUint16 setUint32 setUint8
Date: UTC now parse # getDate getDay getFullYear getHours getMilliseconds getMinutes getMonth
  getSeconds getTime getTimezoneOffset getUTCDate getUTCDay getUTCFullYear getUTCHours
  getUTCMilliseconds getUTCMinutes getUTCMonth getUTCSeconds getYear setDate setFullYear setHours
  setMilliseconds setMinutes setMonth setSeconds setTime setUTCDate setUTCFullYear setUTCHours
  setUTCMilliseconds setUTCMinutes setUTCMonth setUTCSeconds setYear toDateString toGMTString
  toISOString toJSON toLocaleDateString toLocaleString toLocaleTimeString toString toTimeString
  toUTCString valueOf
DecompressionStream: # readable writable
DisposableStack: # adopt defer dispose disposed move use
Error: captureStackTrace isError prepareStackTrace stackTraceLimit # message toString
EvalError: # message
Event: AT_TARGET BUBBLING_PHASE CAPTURING_PHASE NONE # AT_TARGET BUBBLING_PHASE CAPTURING_PHASE
  NONE bubbles cancelBubble cancelable composed composedPath currentTarget defaultPrevented
  eventPhase initEvent isTrusted preventDefault returnValue srcElement stopImmediatePropagation
  stopPropagation target timeStamp type
EventTarget: # addEventListener dispatchEvent removeEventListener
File: # lastModified
FinalizationRegistry: # register unregister
Float16Array: BYTES_PER_ELEMENT # BYTES_PER_ELEMENT
Float32Array: BYTES_PER_ELEMENT # BYTES_PER_ELEMENT
Float64Array: BYTES_PER_ELEMENT # BYTES_PER_ELEMENT
FormData: # append delete entries forEach get getAll has keys set values
Function: # apply bind call toString
Headers: # append delete entries forEach get getSetCookie has keys set values
Int16Array: BYTES_PER_ELEMENT # BYTES_PER_ELEMENT
Int32Array: BYTES_PER_ELEMENT # BYTES_PER_ELEMENT
Int8Array: BYTES_PER_ELEMENT # BYTES_PER_ELEMENT
Intl: Collator DateTimeFormat DisplayNames DurationFormat ListFormat Locale NumberFormat
  PluralRules RelativeTimeFormat Segmenter getCanonicalLocales supportedValuesOf
Iterator: from # drop every filter find flatMap forEach map reduce some take toArray
JSON: isRawJSON parse rawJSON stringify
Map: groupBy # clear delete entries forEach get has keys set size values
Math: E LN10 LN2 LOG10E LOG2E PI SQRT1_2 SQRT2 abs acos acosh asin asinh atan atan2 atanh cbrt
  ceil clz32 cos cosh exp expm1 f16round floor fround hypot imul log log10 log1p log2 max min pow
  random round sign sin sinh sqrt tan tanh trunc
MessageChannel: # port1 port2
MessageEvent: # data initMessageEvent lastEventId origin ports source
MessagePort: # close hasRef onmessage onmessageerror postMessage ref start unref
Number: EPSILON MAX_SAFE_INTEGER MAX_VALUE MIN_SAFE_INTEGER MIN_VALUE NEGATIVE_INFINITY NaN
  POSITIVE_INFINITY isFinite isInteger isNaN isSafeInteger parseFloat parseInt # toExponential
  toFixed toLocaleString toPrecision toString valueOf
Object: assign create defineProperties defineProperty entries freeze fromEntries
  getOwnPropertyDescriptor getOwnPropertyDescriptors getOwnPropertyNames getOwnPropertySymbols
  getPrototypeOf groupBy hasOwn is isExtensible isFrozen isSealed keys preventExtensions seal
  setPrototypeOf values # hasOwnProperty isPrototypeOf propertyIsEnumerable toLocaleString
  toString valueOf
Performance: # clearMarks clearMeasures clearResourceTimings getEntries getEntriesByName
  getEntriesByType mark measure now onresourcetimingbufferfull setResourceTimingBufferSize
  timeOrigin toJSON
Promise: all allSettled any race reject resolve try withResolvers # catch finally then
Proxy: revocable
RangeError: # message
ReadableByteStreamController: # byobRequest close desiredSize enqueue error
ReadableStream: # cancel getReader locked pipeThrough pipeTo tee values
ReadableStreamBYOBReader: # cancel closed read releaseLock
ReadableStreamBYOBRequest: # respond respondWithNewView view
ReadableStreamDefaultController: # close desiredSize enqueue error
ReadableStreamDefaultReader: # cancel closed read releaseLock
ReferenceError: # message
Reflect: apply construct defineProperty deleteProperty get getOwnPropertyDescriptor getPrototypeOf
  has isExtensible ownKeys preventExtensions set setPrototypeOf
RegExp: $& $' $+ $1 $2 $3 $4 $5 $6 $7 $8 $9 $_ $\` escape input lastMatch lastParen leftContext
  rightContext # compile dotAll exec flags global hasIndices ignoreCase multiline source sticky
  test toString unicode unicodeSets
Request: # arrayBuffer attribute blob body bodyUsed bytes cache clone credentials destination
  duplex formData headers integrity isHistoryNavigation isReloadNavigation json keepalive method
  mode redirect referrer referrerPolicy signal text url
Response: error json redirect # arrayBuffer blob body bodyUsed bytes clone formData headers json
  ok redirected status statusText text type url
Set: # add clear delete difference entries forEach has intersection isDisjointFrom isSubsetOf
  isSupersetOf keys size symmetricDifference union values
String: fromCharCode fromCodePoint raw # anchor at big blink bold charAt charCodeAt codePointAt
  concat endsWith fixed fontcolor fontsize includes indexOf isWellFormed italics lastIndexOf link
  localeCompare match matchAll normalize padEnd padStart repeat replace replaceAll search slice
  small split startsWith strike sub substr substring sup toLocaleLowerCase toLocaleUpperCase
  toLowerCase toString toUpperCase toWellFormed trim trimEnd trimLeft trimRight trimStart valueOf
SuppressedError: # message
Symbol: asyncDispose asyncIterator dispose for hasInstance isConcatSpreadable iterator keyFor
  match matchAll replace search species split toPrimitive toStringTag unscopables # description
  toString valueOf
SyntaxError: # message
TextDecoder: # decode encoding fatal ignoreBOM
TextDecoderStream: # encoding fatal ignoreBOM readable writable
TextEncoder: # encode encodeInto encoding
TextEncoderStream: # encoding readable writable
TransformStream: # readable writable
TransformStreamDefaultController: # desiredSize enqueue error terminate
TypeError: # message
TypedArray: from of # at buffer byteLength byteOffset copyWithin entries every fill filter find
  findIndex findLast findLastIndex forEach includes indexOf join keys lastIndexOf map reduce
  reduceRight reverse set slice some sort subarray toLocaleString toReversed toSorted toString
  values with
URIError: # message
URL: canParse createObjectURL parse revokeObjectURL # hash host hostname href origin password
  pathname port protocol search searchParams toJSON toString username
URLPattern: # exec hasRegExpGroups hash hostname password pathname port protocol search test
  username
URLSearchParams: # append delete entries forEach get getAll has keys set size sort toString values
Uint16Array: BYTES_PER_ELEMENT # BYTES_PER_ELEMENT
Uint32Array: BYTES_PER_ELEMENT # BYTES_PER_ELEMENT
Uint8Array: BYTES_PER_ELEMENT # BYTES_PER_ELEMENT
Uint8ClampedArray: BYTES_PER_ELEMENT # BYTES_PER_ELEMENT
WeakMap: # delete get has set
WeakRef: # deref
WeakSet: # add delete has
WebAssembly: CompileError Exception Global Instance JSTag LinkError Memory Module RuntimeError
  SuspendError Suspending Table Tag compile compileStreaming instantiate instantiateStreaming
  promising validate
WebSocket: CLOSED CLOSING CONNECTING OPEN # CLOSED CLOSING CONNECTING OPEN binaryType
  bufferedAmount close extensions onclose onerror onmessage onopen protocol readyState send url
WritableStream: # abort close getWriter locked
WritableStreamDefaultController: # error signal
WritableStreamDefaultWriter: # abort close closed desiredSize ready releaseLock write
console: assert clear context count countReset debug dir dirxml error group
  groupCollapsed groupEnd info log profile profileEnd table time timeEnd timeLog timeStamp trace
  warn
`;

/** Node loads these from Undici with all of its `fetch` when they are looked at for the first time,
 *  which takes a quarter of the start of a task process. */
const ofUndici = new Set(
  "CloseEvent FormData Headers MessageEvent Request Response WebSocket".split(" "),
);
/** Up to this version it has no other members of them than those listed. */
const lastListed = [7, 29, 1];

/** Whether its members need not be looked at; false for "", which is none. */
export function isListedUndici(version: string): boolean {
  return version !== "" && compare(version.split(".").map(Number), lastListed) <= 0;
}

/** What every function or class has, whatever else it has. */
const always = ["length", "name", "prototype", "arguments", "caller", "constructor"];

type Owner = { readonly of: object; readonly members: ReadonlySet<string> };

/** Each object that may have others than the listed members, of those that are here. `undici` is
 *  the version of that, "" without one. */
export function* knownMembers(undici: string): Generator<Owner, void> {
  const isListed = isListedUndici(undici);
  const entries = listed.trim().replace(/\n +/g, " ").split("\n");
  for (const entry of entries) {
    const [name = "", members = ""] = entry.split(":");
    if (isListed && ofUndici.has(name)) continue;
    const [own = "", inherited = ""] = members.split("#");
    const global: unknown = name === "TypedArray" ? typedArray : Reflect.get(globalThis, name);
    if (!isObject(global)) continue;
    yield { of: global, members: setOf(own) };
    if (isObject(global.prototype)) yield { of: global.prototype, members: setOf(inherited) };
  }
}

/** Below 0: `a` is the older version. */
function compare(a: readonly number[], b: readonly number[]): number {
  const at = b.findIndex((part, index) => part !== a[index]);
  return at === -1 ? 0 : (a[at] ?? 0) - (b[at] ?? 0);
}

/** The class of all arrays of numbers has no name in the language. */
const typedArray: unknown = Object.getPrototypeOf(Int8Array);

function setOf(names: string): ReadonlySet<string> {
  return new Set([...always, ...names.split(" ")]);
}

function isObject(value: unknown): value is { readonly prototype?: unknown } {
  return (typeof value === "object" && value !== null) || typeof value === "function";
}
