/** Versions, extensions, the caller and the signal of a call, as both bindings and both versions send them. */
import { VersionNotSupportedError } from "@a2a-js/sdk/errors"
import { assert, describe, it } from "@effect/vitest"
import * as AgentCard from "../../src/a2a/AgentCard.ts"
import * as CallContext from "../../src/a2a/CallContext.ts"
import { TOKEN_EXTENSION_URI } from "../../src/a2a/TokenExtension.ts"

const card = AgentCard.make({
  name: "n",
  description: "d",
  version: "1",
  skill: { id: "s", name: "s", description: "d", tags: ["t"] }
}, "http://localhost/")

const { signal } = new AbortController()
const called = (headers: Record<string, string>, query = "") =>
  CallContext.make(card, { headers, query: new URLSearchParams(query), signal })

describe("the version", () => {
  const cases: ReadonlyArray<readonly [Record<string, string>, string, string]> = [
    [{}, "", "0.3"],
    [{ "a2a-version": "" }, "", "0.3"],
    [{ "a2a-version": "1.0" }, "", "1.0"],
    [{ "a2a-version": " 1.0 " }, "", "1.0"],
    [{ "a2a-version": "1.0.1" }, "", "1.0"],
    [{ "a2a-version": "0.3.0" }, "", "0.3"],
    [{ "a2a-version": "1" }, "", "1"],
    [{ "a2a-version": "1.0.1.1" }, "", "1.0.1.1"],
    [{}, "A2A-Version=1.0", "1.0"],
    [{ "a2a-version": "1.0" }, "A2A-Version=0.3", "1.0"]
  ]
  for (const [headers, query, version] of cases) {
    it(`${JSON.stringify(headers)} ?${query} is ${version}`, () => {
      assert.strictEqual(called(headers, query).context.requestedVersion, version)
    })
  }

  it("is refused where the binding does not offer it, with what to send instead", () => {
    CallContext.requireVersion(card, "JSONRPC", "0.3")
    CallContext.requireVersion(card, "JSONRPC", "1.0")
    CallContext.requireVersion(card, "HTTP+JSON", "1.0")
    for (const [binding, version] of [["HTTP+JSON", "0.3"], ["JSONRPC", "0.2"], ["GRPC", "1.0"]] as const) {
      assert.throws(() => CallContext.requireVersion(card, binding, version), VersionNotSupportedError)
    }
    assert.throws(
      () => CallContext.requireVersion(card, "JSONRPC", "2.0"),
      "JSONRPC is not offered in A2A 2.0. Send the header A2A-Version: 1.0 or A2A-Version: 0.3."
    )
    assert.throws(() => CallContext.requireVersion(card, "HTTP+JSON", "0.3"), /without an A2A-Version header/)
  })
})

describe("the extensions", () => {
  const both = `${TOKEN_EXTENSION_URI}, https://example.org/other`
  it("are those that the client asks for and the card declares", () => {
    const { context, echo } = called({ "a2a-version": "1.0", "a2a-extensions": both })
    assert.deepStrictEqual(context.requestedExtensions, [TOKEN_EXTENSION_URI, "https://example.org/other"])
    assert.deepStrictEqual(context.activatedExtensions, [TOKEN_EXTENSION_URI])
    assert.deepStrictEqual(echo, { "A2A-Extensions": TOKEN_EXTENSION_URI })
    assert.deepStrictEqual(called({ "a2a-extensions": "https://example.org/other" }).echo, {})
  })

  it("are asked for in 0.3 by the header of 0.3, or by today's", () => {
    assert.deepStrictEqual(called({ "x-a2a-extensions": both }).echo, { "X-A2A-Extensions": TOKEN_EXTENSION_URI })
    assert.deepStrictEqual(called({ "a2a-extensions": both }).echo, { "A2A-Extensions": TOKEN_EXTENSION_URI })
    assert.deepStrictEqual(called({ "a2a-version": "1.0", "x-a2a-extensions": both }).echo, {})
  })
})

describe("the context", () => {
  it("holds who calls, the headers and the signal", () => {
    const user = { isAuthenticated: true, userName: "somebody" }
    const { context } = CallContext.make(card, { headers: { a: "b" }, user, signal })
    assert.strictEqual(context.user, user)
    assert.isFalse(called({}).context.user?.isAuthenticated)
    assert.include([...context.state.values()], signal)
    assert.deepInclude([...context.state.values()], { a: "b" })
  })
})
