/**
 * Who calls? The hook through which every request passes but that for the card, which is public.
 *
 * An authenticator looks at a request's headers, looks up what it needs to, and gives the SDK's `User`, which stands in
 * the context of the call, or refuses. `none` lets everybody in and is for loopback; `bearerToken` compares one token.
 * For more (several users, signed tokens, an introspection endpoint) write a value of this type: `security` is what the
 * card then tells clients to present.
 *
 * Gotcha: a token is compared by its digest, so that neither its length nor its first letters show in the time.
 */
import { UnauthenticatedUser, type User } from "@a2a-js/sdk/server"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import { createHash, timingSafeEqual } from "node:crypto"
import { type AgentSecurity, bearerSecurity, noSecurity } from "./AgentCard.ts"

export type { AgentSecurity } from "./AgentCard.ts"

/** What an authenticator sees of a request. */
export interface AuthenticationRequest {
  /** By names in lower case. */
  readonly headers: Readonly<Record<string, string | undefined>>
  /** The HTTP method, in upper case. */
  readonly method: string
  /** The path of the request, without its query. */
  readonly path: string
}

/** Decides who may call an agent. */
export interface Authenticator {
  /** What the card says that clients must present. */
  readonly security: AgentSecurity
  /** Who calls, or why the request is refused (401). It may look things up; it must not fail in any other way. */
  readonly authenticate: (request: AuthenticationRequest) => Effect.Effect<User, Unauthorized>
}

/** A request that is refused because of who sent it. */
export class Unauthorized extends Schema.TaggedError<Unauthorized>()("Unauthorized", {
  /** What was wrong. */
  reason: Schema.TaggedUnion({
    /** No credentials of the scheme asked for. */
    Missing: {},
    /** Credentials that are not the right ones. */
    Wrong: {}
  })
}) {
  override get message(): string {
    switch (this.reason._tag) {
      case "Missing":
        return "This agent wants a bearer token; send the header \"Authorization: Bearer <token>\"."
      case "Wrong":
        return "The bearer token is not the one that this agent was started with."
    }
  }

  /** The value of `WWW-Authenticate`; a request without credentials is told no error (RFC 6750, section 3.1). */
  get challenge(): string {
    const realm = "Bearer realm=\"a2a\""
    return this.reason._tag === "Missing"
      ? realm
      : `${realm}, error="invalid_token", error_description="The token is not valid"`
  }
}

/** Everybody may call. */
export const none: Authenticator = {
  security: noSecurity,
  authenticate: () => Effect.succeed(new UnauthenticatedUser())
}

/** Whoever presents this token may call. */
export const bearerToken = (token: Redacted.Redacted<string>): Authenticator => {
  const expected = digest(Redacted.value(token))
  return {
    security: bearerSecurity,
    authenticate: ({ headers }) => {
      const presented = /^bearer +(\S+) *$/i.exec(headers["authorization"] ?? "")?.[1]
      const { Missing, Wrong } = Unauthorized.fields.reason.cases
      return presented === undefined
        ? Effect.fail(new Unauthorized({ reason: Missing.make({}) }))
        : timingSafeEqual(digest(presented), expected)
        ? Effect.succeed(bearer)
        : Effect.fail(new Unauthorized({ reason: Wrong.make({}) }))
    }
  }
}

/** Everybody who has the token is the same user. */
const bearer: User = { isAuthenticated: true, userName: "bearer" }

const digest = (text: string): Uint8Array => createHash("sha256").update(text).digest()
