/** The OpenAPI document of the control channel, made from the table of calls and its schemas. */
import { z } from "zod";
import { everyCall } from "../../../wire/p4/legality.ts";
import type { P4Route } from "./call.ts";
import { p4Routes } from "./calls.ts";
import { said } from "./schemas.ts";

export const openApiPath = "/openapi.json";

type Json = { readonly [key: string]: unknown };

function schemaOf(schema: z.ZodType): Json {
  const { $schema: _, ...json } = z.toJSONSchema(schema, { io: "input" });
  return json;
}

function content(schema: Json): Json {
  return { "application/json": { schema } };
}

const refusal = { $ref: "#/components/schemas/Said" };

function operation(route: P4Route, method: string): Json {
  const byStatus = Map.groupBy([...route.refusals, ...everyCall], ([status]) => status);
  const refusals = [...byStatus].map(([status, some]) => {
    const description = some.map(([, message]) => message).join(" · ");
    return [status, { description, content: content(refusal) }] as const;
  });
  return {
    operationId: `${method}${route.path.replaceAll(/[/_](.)/g, (_, one) => one.toUpperCase())}`,
    summary: route.summary,
    // Otherwise the token in the body identifies the caller.
    ...(route.methods.includes("GET") ? { security: [{}, { clusterToken: [] }] } : {}),
    requestBody: { required: true, content: content(schemaOf(route.body)) },
    responses: {
      200: { description: "Done", content: content(schemaOf(route.answer)) },
      ...Object.fromEntries(refusals),
    },
  };
}

function document(): Json {
  const paths = p4Routes.map((route) => {
    const methods = route.methods.map((method) => method.toLowerCase());
    return [route.path, Object.fromEntries(methods.map((one) => [one, operation(route, one)]))];
  });
  return {
    openapi: "3.1.0",
    info: {
      title: "P4 control channel",
      version: "1",
      description:
        "Requests of peers to the master. GET has a JSON body, as existing clients send it; POST " +
        "does the same.",
    },
    paths: Object.fromEntries(paths),
    components: {
      schemas: { Said: schemaOf(said) },
      securitySchemes: { clusterToken: { type: "http", scheme: "bearer" } },
    },
  };
}

let text: string | null = null;

/** The same on every call. */
export function openApiText(): string {
  text ??= `${JSON.stringify(document(), null, 2)}\n`;
  return text;
}
