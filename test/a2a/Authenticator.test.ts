/** Who is let in, and what who is not is told. */
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import * as Authenticator from "../../src/a2a/Authenticator.ts"
import { unauthorizedAnswer } from "../../src/a2a/unauthorizedAnswer.ts"
import { runs } from "../support/propertyRuns.ts"

const request = (authorization?: string) => ({ headers: { authorization }, method: "POST", path: "/" })
const guarded = Authenticator.bearerToken(Redacted.make("s3cret"))

describe("nobody's guard", () => {
  it.effect("lets everybody in as nobody", () =>
    Effect.gen(function*() {
      const user = yield* Authenticator.none.authenticate(request())
      assert.isFalse(user.isAuthenticated)
      assert.deepStrictEqual(Authenticator.none.security.securityRequirements, [])
    }))
})

describe("a bearer token", () => {
  for (const authorization of ["Bearer s3cret", "bearer s3cret", "BEARER   s3cret "]) {
    it.effect(`lets in ${authorization}`, () =>
      Effect.gen(function*() {
        const user = yield* guarded.authenticate(request(authorization))
        assert.isTrue(user.isAuthenticated)
        assert.notStrictEqual(user.userName, "")
      }))
  }

  const refused = [
    [undefined, "Missing"],
    ["", "Missing"],
    ["Bearer", "Missing"],
    ["Basic s3cret", "Missing"],
    ["s3cret", "Missing"],
    ["Bearer s3cret extra", "Missing"],
    ["Bearer S3CRET", "Wrong"],
    ["Bearer s3cre", "Wrong"],
    ["Bearer s3crets", "Wrong"]
  ] as const
  for (const [authorization, reason] of refused) {
    it.effect(`refuses ${authorization}: ${reason}`, () =>
      Effect.gen(function*() {
        const error = yield* Effect.flip(guarded.authenticate(request(authorization)))
        assert.strictEqual(error.reason._tag, reason)
      }))
  }

  const token = Schema.NonEmptyString.check(Schema.isPattern(/^[A-Za-z0-9._~+/-]+=*$/))
  it.effect.prop("lets in exactly those who have it", [token, token], ([mine, theirs]) =>
    Effect.gen(function*() {
      const authenticator = Authenticator.bearerToken(Redacted.make(mine))
      assert.isTrue((yield* authenticator.authenticate(request(`Bearer ${mine}`))).isAuthenticated)
      const other = yield* Effect.result(authenticator.authenticate(request(`Bearer ${theirs}`)))
      assert.strictEqual(other._tag, mine === theirs ? "Success" : "Failure")
    }), runs)

  it.effect("is asked for as RFC 6750 says, in the words of the binding, and never said", () =>
    Effect.gen(function*() {
      const missing = yield* Effect.flip(guarded.authenticate(request()))
      const wrong = yield* Effect.flip(guarded.authenticate(request("Bearer guess")))
      assert.strictEqual(missing.challenge, "Bearer realm=\"a2a\"")
      assert.match(wrong.challenge, /^Bearer realm="a2a", error="invalid_token", error_description="[^"]+"$/)
      for (const error of [missing, wrong]) {
        const rest = unauthorizedAnswer(error, "HTTP+JSON")
        assert.deepInclude(rest, {
          status: 401,
          contentType: "application/a2a+json",
          headers: { "www-authenticate": error.challenge },
          json: { error: { code: 401, status: "UNAUTHENTICATED", message: error.message, details: [] } }
        })
        assert.deepInclude(unauthorizedAnswer(error, "JSONRPC"), {
          status: 401,
          contentType: "application/json",
          headers: { "www-authenticate": error.challenge },
          json: { jsonrpc: "2.0", id: null, error: { code: -32000, message: error.message } }
        })
        assert.notMatch(JSON.stringify(rest), /s3cret|guess/)
      }
      assert.notStrictEqual(missing.message, wrong.message)
      assert.deepStrictEqual(guarded.security.securityRequirements, [{ schemes: { bearer: { list: [] } } }])
    }))
})
