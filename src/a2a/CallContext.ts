/**
 * What a request says besides its parameters, for every binding: the version of A2A, the extensions, who calls, and the
 * signal that ends its readers; put into the context that the SDK hands to the request handler.
 *
 * Version and extensions are service parameters (specification 3.2.6): HTTP headers with names in any case; the version
 * may be a query parameter instead (3.6.1). None means 0.3. A patch number is not looked at (3.6).
 */
import { A2A_VERSION_HEADER, type AgentCard, Extensions, HTTP_EXTENSION_HEADER } from "@a2a-js/sdk"
import { LEGACY_HTTP_EXTENSION_HEADER } from "@a2a-js/sdk/compat/v0_3"
import { VersionNotSupportedError } from "@a2a-js/sdk/errors"
import {
  defaultServerCallContextBuilder,
  getSupportedVersions,
  type ServerCallContext,
  UnauthenticatedUser,
  type User
} from "@a2a-js/sdk/server"
import type * as Tracer from "effect/Tracer"
import { provideAbortSignal } from "./RelayRequestHandler.ts"
import * as ServedSpan from "./ServedSpan.ts"

/** One request, as far as all bindings read it. */
export interface Caller {
  /** By names in lower case. */
  readonly headers: Readonly<Record<string, string | undefined>>
  readonly query?: URLSearchParams | undefined
  /** Whom the authenticator found; nobody in particular unless given. */
  readonly user?: User | undefined
  /** Ends the readers of this call. */
  readonly signal: AbortSignal
  /** The span that the request belongs to; it begins a trace unless given. */
  readonly parent?: Tracer.AnySpan | undefined
}

/** What a request means that names no version. */
const LEGACY_VERSION = "0.3"

/** The version of A2A that a request names, as `Major.Minor`, or what it says instead of one; `absent` if it says none. */
export const requestedVersion = (
  { headers, query }: Pick<Caller, "headers" | "query">,
  absent = LEGACY_VERSION
): string => {
  const said = headers[A2A_VERSION_HEADER.toLowerCase()] || query?.get(A2A_VERSION_HEADER) || absent
  return /^(\d+\.\d+)\.\d+$/.exec(said.trim())?.[1] ?? said.trim()
}

/**
 * The context of a call, and the header that tells its client which extensions are active: those that the client asked
 * for and the card declares.
 */
export const make = (
  card: AgentCard,
  caller: Caller
): { readonly context: ServerCallContext; readonly echo: Readonly<Record<string, string>> } => {
  const { headers, parent, signal, user = new UnauthenticatedUser() } = caller
  const version = requestedVersion(caller)
  const extensionHeader =
    version === LEGACY_VERSION && headers[LEGACY_HTTP_EXTENSION_HEADER.toLowerCase()] !== undefined
      ? LEGACY_HTTP_EXTENSION_HEADER
      : HTTP_EXTENSION_HEADER
  const requested = Extensions.parseServiceParameter(headers[extensionHeader.toLowerCase()])
  const context = defaultServerCallContextBuilder({
    extensions: requested,
    user,
    headers: { ...headers },
    requestedVersion: version
  })
  provideAbortSignal(context, signal)
  ServedSpan.provideParent(context, parent)
  const active = requested.filter((uri) => card.capabilities?.extensions.some((each) => each.uri === uri))
  for (const uri of active) context.addActivatedExtension(uri)
  return { context, echo: active.length === 0 ? {} : { [extensionHeader]: Extensions.toServiceParameter(active) } }
}

/** Throws `VersionNotSupportedError` unless the card offers the binding in this version. */
export const requireVersion = (card: AgentCard, protocolBinding: string, version: string): void => {
  const supported = [...getSupportedVersions(card, protocolBinding)]
  if (supported.includes(version)) return
  throw new VersionNotSupportedError({
    message: `${protocolBinding} is not offered in A2A ${version}${
      version === LEGACY_VERSION ? `, which a request without an ${A2A_VERSION_HEADER} header is taken for` : ""
    }. Send the header ${supported.map((each) => `${A2A_VERSION_HEADER}: ${each}`).join(" or ")}.`,
    metadata: { requestedVersion: version, supportedVersions: supported.join(",") }
  })
}
