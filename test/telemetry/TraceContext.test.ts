import { assert, describe, it } from "@effect/vitest"
import * as Context from "effect/Context"
import * as Schema from "effect/Schema"
import * as Tracer from "effect/Tracer"
import { read, TraceState, write } from "../../src/telemetry/TraceContext.ts"

const trace = "4bf92f3577b34da6a3ce929d0e0e4736"
const span = "00f067aa0ba902b7"
const traceparent = `00-${trace}-${span}-01`

const Digits = (length: number) => Schema.String.check(Schema.isPattern(new RegExp(`^[0-9a-f]{${length}}$`)))

describe("TraceContext", () => {
  it("reads what W3C Trace Context says, and what later versions add to it", () => {
    for (
      const [header, sampled] of [[traceparent, true], [`00-${trace}-${span}-00`, false], [
        `01-${trace}-${span}-03-what-comes-later`,
        true
      ]] as const
    ) {
      const found = read({ traceparent: header })
      assert.deepInclude(found, { traceId: trace, spanId: span, sampled }, header)
    }
  })

  it("takes what is malformed for nothing", () => {
    const malformed = [
      "",
      "nonsense",
      traceparent.toUpperCase(),
      `${traceparent}-more`,
      `ff-${trace}-${span}-01`,
      `00-${"0".repeat(32)}-${span}-01`,
      `00-${trace}-${"0".repeat(16)}-01`,
      `00-${trace.slice(1)}-${span}-01`,
      `00-${trace}-${span}-1`,
      `00-${trace}-${span}-zz`,
      // Two headers, as Node hands them on.
      `${traceparent}, ${traceparent}`,
      `01-${trace}-${span}-01-${"x".repeat(10_000)}`
    ]
    for (const header of malformed) assert.isUndefined(read({ traceparent: header }), header.slice(0, 80))
    assert.isUndefined(read({ tracestate: "a=b" }))
  })

  it("hands tracestate on as it came, within the bounds of the recommendation", () => {
    const stateOf = (tracestate: string) => {
      const found = read({ traceparent, tracestate })
      return found === undefined ? undefined : write(found)["tracestate"]
    }
    assert.strictEqual(stateOf("vendor=1,other@b=2"), "vendor=1,other@b=2")
    for (
      const bad of [
        "x=".padEnd(513, "y"),
        Array.from({ length: 33 }, (_, i) => `k${i}=v`).join(","),
        "a=\r\nb: c",
        "a=é"
      ]
    ) {
      assert.isUndefined(stateOf(bad), bad.slice(0, 40))
    }
  })

  it.prop("writes what it reads again", [Digits(32), Digits(16), Schema.Boolean], ([traceId, spanId, sampled]) => {
    const found = read(write(Tracer.externalSpan({ traceId, spanId, sampled })))
    const isNone = /^0+$/.test(traceId) || /^0+$/.test(spanId)
    if (isNone) assert.isUndefined(found)
    else assert.deepInclude(found, { traceId, spanId, sampled })
  }, { arbitrary: { runs: 500 } })

  it.prop("survives any header", [Schema.String, Schema.String], ([traceparent, tracestate]) => {
    const found = read({ traceparent, tracestate })
    if (found !== undefined) assert.match(write(found)["traceparent"]!, /^00-[0-9a-f]{32}-[0-9a-f]{16}-0[01]$/)
    if (found !== undefined) assert.isAtMost(Context.get(found.annotations, TraceState).length, 512)
  }, { arbitrary: { runs: 1000 } })
})
