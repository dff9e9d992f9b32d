/** Where requests to a tap lead, and what they say of their battle. */
import { assert, describe, it } from "@effect/vitest"
import * as Schema from "effect/Schema"
import { routeOf, watchedApi } from "../../src/tap/TapRoute.ts"
import { runs } from "../support/propertyRuns.ts"

const trace = "4bf92f3577b34da6a3ce929d0e0e4736"
const nothing = { battle: undefined, agent: undefined, trace: undefined }

describe("TapRoute", () => {
  it("hands on paths letter for letter, with their queries", () => {
    for (const path of ["/", "/v1/chat/completions", "/v1/models?a=%2F&b", "/v1//x/../y", "/battles/1", "/agents"]) {
      assert.deepStrictEqual(routeOf(path, {}), { _tag: "Engine", path, hint: nothing })
    }
  })

  it("takes the name of a battle or of an agent off a path", () => {
    assert.deepStrictEqual(routeOf("/battle/a%2Fb%20c/v1/models?x=1", {}), {
      _tag: "Engine",
      path: "/v1/models?x=1",
      hint: { ...nothing, battle: "a/b c" }
    })
    assert.deepStrictEqual(routeOf("/agents/red/v1/chat/completions", {}), {
      _tag: "Engine",
      path: "/v1/chat/completions",
      hint: { ...nothing, agent: "red" }
    })
    assert.deepStrictEqual(routeOf("/battle/b?x", {}), {
      _tag: "Engine",
      path: "/?x",
      hint: { ...nothing, battle: "b" }
    })
    assert.deepStrictEqual(routeOf("/battle/b", {}), { _tag: "Engine", path: "/", hint: { ...nothing, battle: "b" } })
  })

  it("leaves alone what cannot be decoded", () => {
    assert.deepStrictEqual(routeOf("/battle/%E0%A4%A/v1", {}), {
      _tag: "Engine",
      path: "/battle/%E0%A4%A/v1",
      hint: nothing
    })
  })

  it("reads the headers", () => {
    const traceparent = `00-${trace.toUpperCase()}-00f067aa0ba902b7-01`
    const route = routeOf("/agents/red/v1", { "x-campaign-battle": "b", traceparent })
    assert.deepStrictEqual(route, { _tag: "Engine", path: "/v1", hint: { battle: "b", agent: "red", trace } })
    const wrong = routeOf("/", { "x-campaign-battle": "", traceparent: `00-${trace}-01` })
    assert.deepStrictEqual(wrong, { _tag: "Engine", path: "/", hint: nothing })
    const path = routeOf("/battle/path/v1", { "x-campaign-battle": "header" })
    assert.strictEqual(path._tag === "Engine" ? path.hint.battle : "", "path")
  })

  it("keeps its own paths, and only those", () => {
    const route = routeOf("/.campaign-tap/battles/a%2Fb?agent=x%20y", {})
    assert.deepStrictEqual(route._tag === "Control" ? route.path : [], ["battles", "a/b"])
    assert.strictEqual(route._tag === "Control" ? route.query.get("agent") : "", "x y")
    assert.strictEqual(routeOf("/.campaign-tap", {})._tag, "Control")
    assert.strictEqual(routeOf("/.campaign-tap?x", {})._tag, "Control")
    assert.strictEqual(routeOf("/.campaign-taps", {})._tag, "Engine")
  })

  it("understands whole addresses and the asterisk", () => {
    const pathOf = (target: string) => {
      const route = routeOf(target, {})
      return route._tag === "Engine" ? route.path : route._tag
    }
    assert.strictEqual(pathOf("http://tap:1/v1/models?x"), "/v1/models?x")
    assert.strictEqual(pathOf("HTTP://tap?x"), "/?x")
    assert.strictEqual(pathOf("http://tap/.campaign-tap/calls"), "Control")
    assert.strictEqual(pathOf("*"), "/")
  })

  it("knows the completions", () => {
    assert.strictEqual(watchedApi("/v1/chat/completions?x=/completions"), "chat")
    assert.strictEqual(watchedApi("/v1/completions"), "completion")
    assert.isUndefined(watchedApi("/v1/completions/1"))
    assert.isUndefined(watchedApi("/v1/models?x=/chat/completions"))
  })

  it.prop("has for any target a path that begins with a slash", [Schema.String], ([target]) => {
    const route = routeOf(target, {})
    assert.isTrue(route._tag === "Control" || route.path.startsWith("/"), target)
  }, runs)
})
