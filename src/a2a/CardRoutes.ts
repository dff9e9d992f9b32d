/**
 * The routes of an agent's card, at today's address and at the one before 0.3, cacheable as specification 8.6 wants it.
 *
 * Which document it is depends on the version that the request names (`Vary`): that of 1.0, that of 0.3, or the one that
 * both read. Each has an entity tag of its own, made from its bytes. A card does not change while its agent runs, so it
 * was last modified when the agent started.
 */
import type { AgentCard } from "@a2a-js/sdk"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Etag from "effect/http/Etag"
import * as Headers from "effect/http/Headers"
import * as HttpRouter from "effect/http/HttpRouter"
import type * as HttpServerRequest from "effect/http/HttpServerRequest"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import * as Layer from "effect/Layer"
import * as Result from "effect/Result"
import { createHash } from "node:crypto"
import { toCurrentJson, toJson, toLegacyJson } from "./AgentCard.ts"
import { requestedVersion } from "./CallContext.ts"

/** An agent may be started anew with another card: clients ask again after a minute. */
const CACHE_CONTROL = "public, max-age=60"

/** GET and HEAD of the card. */
export const layer = (card: AgentCard) =>
  Layer.unwrap(Effect.map(DateTime.now, (started) => {
    const lastModified = Headers.formatHttpDate(started)
    const documents = {
      "1.0": document(toCurrentJson(card), lastModified),
      "0.3": document(toLegacyJson(card), lastModified),
      both: document(toJson(card), lastModified)
    }
    const serve = (request: HttpServerRequest.HttpServerRequest) => {
      const version = requestedVersion({
        headers: request.headers,
        query: new URL(request.url, "http://localhost").searchParams
      }, "both")
      const { etag, response } = documents[version === "1.0" || version === "0.3" ? version : "both"]
      return isUnchanged(request.headers, etag, lastModified) ? notModified(response) : response
    }
    const route = (path: HttpRouter.PathInput) =>
      HttpRouter.add("GET", path, (request) => Effect.sync(() => serve(request)))
    return Layer.mergeAll(route("/.well-known/agent-card.json"), route("/.well-known/agent.json"))
  }))

const document = (json: unknown, lastModified: string) => {
  const text = JSON.stringify(json)
  const etag: Etag.Etag = { _tag: "Strong", value: createHash("sha256").update(text).digest("base64url") }
  return {
    etag,
    response: HttpServerResponse.text(text, {
      contentType: "application/json",
      headers: {
        "cache-control": CACHE_CONTROL,
        etag: Etag.toString(etag),
        "last-modified": lastModified,
        vary: "A2A-Version"
      }
    })
  }
}

/** Whether the client has the document already: the tag decides where one is given (RFC 9110, section 13.2.2). */
const isUnchanged = (headers: Headers.Headers, etag: Etag.Etag, lastModified: string): boolean => {
  const ifNoneMatch = headers["if-none-match"]
  if (ifNoneMatch !== undefined) {
    // A tag is compared weakly here, and may contain commas.
    return ifNoneMatch.trim() === "*" ||
      [...ifNoneMatch.matchAll(/"([^"]*)"/g)].some(([, value]) => value === etag.value)
  }
  const since = Headers.parseHttpDate(headers["if-modified-since"] ?? "")
  const modified = Headers.parseHttpDate(lastModified)
  return Result.isSuccess(since) && Result.isSuccess(modified) &&
    DateTime.toEpochMillis(modified.success) <= DateTime.toEpochMillis(since.success)
}

/** The answer without its document, and without the headers that describe the document. */
const notModified = (response: HttpServerResponse.HttpServerResponse) =>
  HttpServerResponse.empty({
    status: 304,
    headers: Headers.removeMany(response.headers, ["content-type", "content-length"])
  })
