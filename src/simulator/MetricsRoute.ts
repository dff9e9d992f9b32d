/**
 * GET /metrics, and the ways in which it can be wrong.
 *
 * Several faults at once each do their part: one chooses whose metrics these are, one how old, one how they are spoilt,
 * one how late. Another replica is a server of its own that has nothing to do: all its counters stay 0.
 */
import * as NodeHttpServerRequest from "@effect/platform-node/NodeHttpServerRequest"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as HttpServerRequest from "effect/http/HttpServerRequest"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import * as Stream from "effect/Stream"
import type { MetricsFault } from "./faults/FaultAction.ts"
import * as Metrics from "./Metrics.ts"
import * as PrometheusText from "./PrometheusText.ts"
import type { SimulatedServer } from "./SimulatedServer.ts"
import type { SimulatorOptions } from "./SimulatorOptions.ts"

const answer = (text: string) => HttpServerResponse.text(text, { contentType: PrometheusText.contentType })

/** Half of the text, to the middle of a line, and what a proxy says when it has had enough. */
const malformed = (text: string) => `${text.slice(0, text.length / 2)}\n<html><body>502 Bad Gateway</body></html>\n`

/** Without the series of the engine, as nobody has made them. */
const withoutStatistics = (text: string) =>
  text.split("\n").filter((line) => !/^(?:# (?:HELP|TYPE) )?vllm:/.test(line)).join("\n")

const otherSeries = (megabytes: number) => {
  const line = (number: number) => `some_other_series_total{number="${number}"} ${number}.0\n`
  const lines = 20_000
  const blockBytes = 1_000_000
  const head = "# HELP some_other_series_total Nothing of the engine.\n# TYPE some_other_series_total counter\n"
  return Stream.concat(
    Stream.make(head),
    Stream.map(Stream.range(0, megabytes - 1), (block) => {
      let text = ""
      for (let index = 0; text.length < blockBytes; index++) text += line(block * lines * 2 + index)
      return text
    })
  )
}

/** The handler. */
export const make = (options: SimulatorOptions, server: SimulatedServer) => {
  let cached: { readonly text: string; readonly at: number } | undefined
  let replica: Metrics.Metrics | undefined
  let asked = 0

  const textOf = (own: Effect.Effect<string>, faults: ReadonlyArray<MetricsFault>) =>
    Effect.gen(function*() {
      const elsewhere = faults.some(({ kind }) => kind === "other-replica") ||
        (faults.some(({ kind }) => kind === "alternating") && ++asked % 2 === 0)
      if (elsewhere) replica ??= yield* Metrics.make(options)
      const text = yield* elsewhere && replica !== undefined ? replica.text : own
      const cache = faults.find((fault) => fault.kind === "cached")
      if (cache === undefined) return text
      const now = Number(yield* Clock.currentTimeNanos) / 1e9
      if (cached === undefined || now - cached.at >= cache.seconds) cached = { text, at: now }
      return cached.text
    })

  return Effect.gen(function*() {
    const faults = Array.from(server.metricsFaults)
    const slow = faults.find((fault) => fault.kind === "slow")
    if (slow !== undefined) yield* Effect.sleep(slow.seconds * 1000)
    if (faults.some(({ kind }) => kind === "down")) {
      const request = yield* HttpServerRequest.HttpServerRequest
      NodeHttpServerRequest.toServerResponse(request).socket?.destroy()
      return yield* Effect.never
    }
    const error = faults.find((fault) => fault.kind === "error")
    if (error !== undefined) return HttpServerResponse.text("error", { status: error.status })
    let text = yield* textOf(server.current().metrics.text, faults)
    for (const fault of faults) {
      if (fault.kind === "wrong-model") {
        text = text.replaceAll(`model_name="${options.model}"`, `model_name="${fault.model}"`)
      } else if (fault.kind === "disabled") text = withoutStatistics(text)
      else if (fault.kind === "malformed") text = malformed(text)
    }
    const huge = faults.find((fault) => fault.kind === "huge")
    if (huge === undefined) return answer(text)
    return HttpServerResponse.stream(
      Stream.encodeText(Stream.concat(otherSeries(huge.megabytes), Stream.make(text))),
      { contentType: PrometheusText.contentType }
    )
  })
}
