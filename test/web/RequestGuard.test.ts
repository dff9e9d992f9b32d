import { assert, describe, it } from "@effect/vitest"
import * as Redacted from "effect/Redacted"
import * as RequestGuard from "../../src/web/RequestGuard.ts"

const local = RequestGuard.make({ token: undefined, port: 8200 })
const exposed = RequestGuard.make({ token: Redacted.make("secret"), port: 8200 })

const statusOf = (
  guard: RequestGuard.RequestGuard,
  headers: Readonly<Record<string, string>>,
  path = "/events",
  method = "GET"
) => guard.refusalOf({ method, path, headers: { host: "127.0.0.1:8200", ...headers } })?.status

describe("RequestGuard", () => {
  it("answers GET only", () => {
    for (const method of ["POST", "PUT", "DELETE", "HEAD", "OPTIONS", "CONNECT"]) {
      assert.strictEqual(statusOf(local, {}, "/", method), 405)
    }
    assert.isUndefined(statusOf(local, {}, "/"))
  })

  it("without a token answers by names of this machine only", () => {
    for (const host of ["localhost:8200", "LOCALHOST", "127.0.0.1", "127.8.9.1:1", "[::1]:8200", "me.localhost:9"]) {
      assert.isUndefined(statusOf(local, { host }), host)
    }
    const foreign = [
      "evil.example:8200",
      "127.0.0.1.evil.example",
      "localhost.evil.example",
      "192.168.1.7:8200",
      "",
      "@"
    ]
    for (const host of foreign) assert.strictEqual(statusOf(local, { host }, "/"), 421, host)
  })

  it("refuses what another site's page asks, and lets links lead here", () => {
    const navigation = { "sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate" }
    assert.isUndefined(statusOf(local, navigation, "/"))
    for (const path of ["/events", "/api/battles/0"]) assert.strictEqual(statusOf(local, navigation, path), 403)
    assert.strictEqual(
      statusOf(local, { "sec-fetch-site": "cross-site", "sec-fetch-mode": "no-cors" }, "/main.js"),
      403
    )
    assert.strictEqual(statusOf(local, { "sec-fetch-site": "same-site" }), 403)
    for (const origin of ["http://evil.example", "null", "http://127.0.0.1:9", "nonsense"]) {
      assert.strictEqual(statusOf(local, { origin }), 403, origin)
    }
    assert.isUndefined(statusOf(local, { origin: "http://127.0.0.1:8200", "sec-fetch-site": "same-origin" }))
    // The address bar, and programs.
    assert.isUndefined(statusOf(local, { "sec-fetch-site": "none" }))
  })

  it("with a token answers whoever has it, by any name, and shows others only the page's own files", () => {
    const host = "gpu-host:8200"
    for (const path of ["/", "/main.js", "/page.css"]) assert.isUndefined(statusOf(exposed, { host }, path))
    for (const path of ["/events", "/api/battles", "/api/session"]) {
      assert.strictEqual(statusOf(exposed, { host }, path), 401)
      assert.strictEqual(statusOf(exposed, { host, authorization: "Bearer wrong" }, path), 401)
      assert.strictEqual(statusOf(exposed, { host, cookie: "campaign-dashboard-8200=secret" }, path), 401)
      assert.isUndefined(statusOf(exposed, { host, authorization: "Bearer secret" }, path))
      assert.isUndefined(statusOf(exposed, { host, authorization: "bearer  secret " }, path))
    }
  })

  it("gives a cookie that is not the token, and takes it back among others", () => {
    const [pair, ...attributes] = exposed.cookie!.split("; ")
    assert.deepStrictEqual(attributes, ["HttpOnly", "SameSite=Strict", "Path=/"])
    assert.notInclude(exposed.cookie!, "secret")
    assert.isUndefined(statusOf(exposed, { cookie: `a=b; ${pair}; c=d` }))
    assert.strictEqual(statusOf(exposed, { cookie: `x${pair}` }), 401)
    const other = RequestGuard.make({ token: Redacted.make("another"), port: 8200 })
    assert.strictEqual(statusOf(other, { cookie: pair! }), 401)
    // A wrong header is not made good by a cookie that somebody still has.
    assert.strictEqual(statusOf(exposed, { cookie: pair!, authorization: "Bearer wrong" }), 401)
    assert.isUndefined(local.cookie)
  })
})
