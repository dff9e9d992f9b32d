/** What follows from the measurements of an engine: each conclusion from measurements made by hand, and laws for any. */
import { assert, describe, it } from "@effect/vitest"
import * as Schema from "effect/Schema"
import { renderEngineProbe } from "../../src/cli/renderEngineProbe.ts"
import { analyse, toJson } from "../../src/probe/EngineAnalysis.ts"
import { printable } from "../../src/probe/EngineAnswer.ts"
import * as EngineChunk from "../../src/probe/EngineChunk.ts"
import type { EngineMeasurements } from "../../src/probe/EngineMeasurements.ts"
import { EngineReport } from "../../src/probe/EngineReport.ts"
import { figuresOf } from "../../src/probe/EngineTokens.ts"
import {
  answer,
  end,
  Invented,
  invented,
  look,
  measurements,
  steady,
  stream,
  token,
  vllm
} from "../support/engineMeasurements.ts"
import { idsOf } from "../support/engineProbes.ts"

/** Looks every 100 ms at an engine that works on a stream of 64 tokens, the first at 1100. */
const working = (more: Parameters<typeof vllm>[1] = {}, everyMillis = 20) =>
  Array.from({ length: 10 + everyMillis }, (_, index) => {
    const at = 800 + index * 100
    const generated = Math.min(64, Math.max(0, Math.floor((at - 1100) / everyMillis) + 1))
    return vllm(at, { ...more, generated, running: at > 1000 && generated < 64 ? 1 : 0 })
  })

const well = measurements({ streams: [steady(64, 20)], looks: working() })

const ids = (measured: EngineMeasurements) => idsOf(analyse(measured))

describe("EngineAnalysis", () => {
  it("finds nothing wrong with an engine that is well, but that its tokens are counted by events", () => {
    const report = analyse(well)
    assert.deepStrictEqual(idsOf(report), ["inexact"])
    assert.isTrue(report.fit)
    assert.strictEqual(report.metrics.binding, "proven")
    assert.isTrue(report.proofs.hung.can && report.proofs.decodeHung.can && report.proofs.lost.can)
    assert.strictEqual(report.metrics.behindTokens, 0)
    assert.isAtMost(report.metrics.settleMillis ?? Infinity, 100)
  })

  it("tells figures of tokens exactly", () => {
    const figures = figuresOf(steady(64, 20))
    assert.deepInclude(figures, {
      counted: 64,
      events: 64,
      reads: 64,
      mostEventsPerRead: 1,
      firstTokenMillis: 100,
      finishReason: "length",
      buffered: false,
      tokensPerSecond: 50
    })
    assert.deepStrictEqual(figures.gaps, {
      count: 63,
      medianMillis: 20,
      p95Millis: 20,
      p99Millis: 20,
      largestMillis: 20
    })
  })

  it("counts by usage before ids, and by ids before events", () => {
    const three = [token(1100, { usage: { completion_tokens: 3 } }, { token_ids: [1] })]
    assert.strictEqual(figuresOf(stream(three)).counted, 3)
    assert.strictEqual(figuresOf(stream([token(1100, {}, { token_ids: [1, 2] })])).counted, 2)
    assert.strictEqual(figuresOf(stream([token(1100)])).counted, 1)
  })

  it("takes a frame of usage at the end for no token", () => {
    const late = {
      at: 1200,
      kind: "chunk",
      chunk: EngineChunk.read({ choices: [], usage: { completion_tokens: 9 } })
    } as const
    assert.deepInclude(figuresOf(stream([token(1100), token(1120), late])), { counted: 2, usage: 9, events: 2 })
  })

  it("takes events for tokens where they are as many, give or take the one without text", () => {
    const counted = (usage: number) => {
      const frame = {
        at: 1500,
        kind: "chunk",
        chunk: EngineChunk.read({ choices: [], usage: { completion_tokens: usage } })
      } as const
      return ids(measurements({ streams: [stream([...steady(5, 20).arrivals, frame], { fields: ["include_usage"] })] }))
    }
    for (const usage of [5, 6]) assert.include(counted(usage), "counted-by-event")
    for (const usage of [3, 7, 12]) assert.include(counted(usage), "inexact")
  })

  it("knows what comes unasked from what was asked for", () => {
    const told = (purpose: "tokens" | "plain", usage: boolean) =>
      stream([token(1100, usage ? { usage: { completion_tokens: 1 } } : {}), ...end(1200)], {
        purpose,
        fields: purpose === "plain" ? [] : ["include_usage"]
      })
    const stateOf = (asked: boolean, unasked: boolean) =>
      analyse(measurements({ streams: [told("tokens", asked), told("plain", unasked)] })).features.include_usage.state
    assert.deepStrictEqual([stateOf(true, true), stateOf(true, false), stateOf(false, false)], [
      "always",
      "works",
      "ignored"
    ])
  })

  it("calls no engine fit whose answer it did not see to its end, unless it is merely slow", () => {
    const cut = (how: "closed" | "too-long") =>
      analyse(measurements({ streams: [stream([token(1100), token(9000)], { end: how })], cutShort: how === "closed" }))
    assert.isFalse(cut("closed").fit)
    assert.isTrue(cut("too-long").fit)
    assert.include(idsOf(cut("closed")), "cut-short")
  })

  it("says what the metrics do not tell", () => {
    const without = (...names: ReadonlyArray<string>) => {
      const looks = working().map(({ askedAt, at, values }) => ({
        ...look(at, Object.fromEntries([...values].filter(([name]) => !names.some((part) => name.includes(part))))),
        askedAt
      }))
      return analyse({ ...well, looks })
    }
    assert.include(idsOf(without("process_start")), "no-start-time")
    assert.strictEqual(without("process_start").proofs.restarted.can, true)
    assert.include(idsOf(without("inter_token")), "no-decode-counter")
    assert.isFalse(without("inter_token").proofs.decodeHung.can)
    assert.include(idsOf(without("requests_waiting")), "no-gauges")
    assert.isFalse(without("requests_waiting").proofs.lost.can)
  })

  it("tells batches from a stream that is kept back until its end", () => {
    const batch = (from: number, size: number) => Array.from({ length: size }, (_, index) => token(from + index * 0.1))
    const batches = Array.from({ length: 8 }, (_, index) => batch(1100 + index * 200, 8)).flat()
    assert.include(ids(measurements({ streams: [stream([...batches, ...end(2600)])] })), "batches")
    const kept = measurements({ streams: [stream([...batch(3000, 64), ...end(3007)])] })
    assert.include(ids(kept), "buffered")
    assert.isFalse(analyse(kept).fit)
    assert.notInclude(ids(measurements({ streams: [stream([...batch(3000, 15), ...end(3002)])] })), "buffered")
  })

  it("takes no engine for buffered that is merely fast", () => {
    const fast = measurements({ streams: [steady(64, 1)] })
    assert.notInclude(ids(fast), "buffered")
    assert.isTrue(analyse(fast).fit)
  })

  it("gives the longest step that was seen, and the limit that follows", () => {
    const slow = measurements({ streams: [steady(4, 30_000)] })
    assert.deepInclude(analyse(slow).step, { longestMillis: 30_000, frozenMillis: 90_000 })
    const prompt = measurements({
      streams: [steady(64, 20), stream([token(45_000), ...end(45_000)], { purpose: "prefill", sentAt: 5000 })],
      looks: [
        ...working(),
        ...Array.from({ length: 40 }, (_, index) => vllm(5100 + index * 1000, { generated: 64, running: 1 }))
      ]
    })
    assert.include(ids(prompt), "still-prefill")
    assert.deepInclude(analyse(prompt).step, { longestMillis: 40_000, frozenMillis: 80_000 })
  })

  it("believes no metrics that never count our tokens, and proves nothing by them", () => {
    const report = analyse({ ...well, looks: working().map((one) => ({ ...vllm(one.at), askedAt: one.askedAt })) })
    assert.strictEqual(report.metrics.binding, "refuted")
    assert.include(idsOf(report), "still")
    assert.isFalse(report.proofs.hung.can || report.proofs.lost.can || report.proofs.restarted.can)
    assert.isTrue(report.fit)
  })

  it("tells metrics that live and are another engine's from old ones", () => {
    const text = (cpu: boolean) => {
      const looks = working().map((one) => ({
        ...vllm(one.at, { more: cpu ? { process_cpu_seconds_total: one.at } : {} }),
        askedAt: one.askedAt
      }))
      return analyse({ ...well, looks }).findings.find(({ id }) => id === "still")?.text ?? ""
    }
    assert.match(text(true), /another engine$/)
    assert.match(text(false), /cache/)
  })

  it("sees a cache that is a few seconds old, and how old", () => {
    const slow = working({}, 60)
    const looks = slow.map((one) => {
      const copy = slow.findLast(({ at }) => at <= 800 + Math.floor((one.at - 800) / 2000) * 2000) ?? one
      return { ...copy, askedAt: one.askedAt, at: one.at }
    })
    const report = analyse({ ...well, streams: [steady(64, 60)], looks })
    assert.include(idsOf(report), "late")
    assert.strictEqual(report.metrics.binding, "proven")
  })

  it("sees a cache also where it happens to be renewed just after the last token", () => {
    const slow = working({}, 60)
    const looks = slow.map((one) => {
      const copy = slow.findLast(({ at }) => at <= 900 + Math.floor((one.at - 900) / 2000) * 2000) ?? one
      return { ...copy, askedAt: one.askedAt, at: one.at }
    })
    const report = analyse({ ...well, streams: [steady(64, 60)], looks })
    assert.isAtMost(report.metrics.settleMillis ?? Infinity, 200)
    assert.include(idsOf(report), "late")
  })

  it("believes no metrics that contradict a long stream all the time, as a campaign would not", () => {
    const long = working({}, 200)
    const looks = long.map((one) =>
      one.at < 1100 + 63 * 200 ? { ...vllm(one.at, { running: 1 }), askedAt: one.askedAt } : one
    )
    assert.strictEqual(analyse({ ...well, streams: [steady(64, 200)], looks }).metrics.binding, "refuted")
  })

  it("shows no foreign control character on a terminal", () => {
    const model = "m\u001b[2J\u202e"
    const shown = renderEngineProbe(
      analyse({ ...well, model, models: answer({ data: [{ id: model }, { id: "\u0007" }] }) }),
      { color: false, columns: 80 }
    )
    assert.notMatch(shown.replaceAll("\n", ""), /[\p{Cc}\p{Cf}]/u)
  })

  it("sees several servers by falling counters and by start times that go back", () => {
    const falling = working().map((one, index) => index % 2 === 0 ? one : { ...vllm(one.at), askedAt: one.askedAt })
    assert.include(ids({ ...well, looks: falling }), "alternating")
    const back = working().map((one, index) => ({
      ...one,
      samples: index === 20 ? vllm(one.at, { started: 50 }).samples : one.samples
    }))
    assert.include(ids({ ...well, looks: back }), "alternating")
  })

  describe("of an abort", () => {
    const abort = stream(Array.from({ length: 8 }, (_, index) => token(5100 + index * 20)), {
      purpose: "abort",
      sentAt: 5000,
      endedAt: 5240,
      end: "closed",
      maxTokens: 512
    })
    const after = (made: (at: number) => number, running: (at: number) => number) =>
      Array.from({ length: 60 }, (_, index) => {
        const at = 4950 + index * 100
        return vllm(at, { generated: 64 + made(at), running: running(at) })
      })
    const abortOf = (looks: EngineMeasurements["looks"], streams = [steady(64, 20), abort]) =>
      analyse({ ...well, streams, looks: [...working(), ...looks] }).abort

    it("is honoured once the engine holds nothing and nothing moves", () => {
      const { afterMillis, outcome, tokensAfter } = abortOf(
        after((at) => Math.min(16, Math.max(0, Math.floor((at - 5100) / 20))), (at) => at > 5000 && at < 5500 ? 1 : 0)
      )
      assert.strictEqual(outcome, "honoured")
      assert.isTrue((afterMillis ?? 0) > 200 && (afterMillis ?? 0) < 500, `${afterMillis}`)
      assert.isAtLeast(tokensAfter ?? 0, 8)
    })

    it("is ignored if tokens go on, also to the end of the answer", () => {
      const on = (at: number) => Math.max(0, Math.floor((at - 5100) / 20))
      assert.strictEqual(abortOf(after(on, (at) => at > 5000 ? 1 : 0)).outcome, "ignored")
      assert.strictEqual(
        abortOf(after((at) => Math.min(512, 2 * on(at)), (at) => at > 5000 ? 1 : 0)).outcome,
        "ignored"
      )
    })

    it("is not ignored by an engine that holds nothing, though the last look is the first to say so", () => {
      const looks = after(
        (at) => Math.min(20, Math.max(0, Math.floor((at - 5100) / 20))),
        (at) => at > 5000 && at < 5450 ? 1 : 0
      ).filter(({ at }) => at < 5500)
      assert.strictEqual(abortOf(looks).outcome, "not-known")
    })

    it("is not known of what does not show it", () => {
      const still = () => 0
      assert.strictEqual(abortOf([]).outcome, "not-known")
      assert.match(abortOf(after(still, still)).why, /never showed the request/)
      assert.match(abortOf(after(still, (at) => at > 5000 ? 1 : 0)).why, /did not say/)
      const ended = { ...abort, end: "complete" as const }
      assert.match(abortOf(after(still, still), [steady(64, 20), ended]).why, /ended before/)
      const others = working({ running: 2 }).map((one) => ({
        ...one,
        values: new Map([...one.values, ["vllm:num_requests_running", 2]])
      }))
      assert.match(
        analyse({
          ...well,
          streams: [steady(64, 20), abort],
          looks: [...others, ...after(still, (at) => at > 5000 ? 3 : 2)]
        }).abort.why,
        /others/
      )
    })
  })

  it("knows a server by each single sign", () => {
    const server = (more: Partial<EngineMeasurements>) =>
      analyse(measurements({ models: answer({ data: [{ id: "m" }] }), ...more })).server
    assert.strictEqual(server({}), "unknown")
    assert.strictEqual(server({ models: answer({ data: [{ id: "m", owned_by: "sglang" }] }) }), "sglang")
    assert.strictEqual(server({ models: answer({ data: [{ id: "m", owned_by: "__proto__" }] }) }), "unknown")
    assert.strictEqual(server({ models: answer({ data: [] }, { headers: { server: "llama.cpp" } }) }), "llama.cpp")
    assert.strictEqual(server({ answers: { version: answer({ version: "0.33.0" }) } }), "vllm")
    assert.strictEqual(server({ answers: { serverInfo: answer({ version: "0.5" }) } }), "sglang")
    assert.strictEqual(server({ answers: { oldServerInfo: answer({ version: "0.4" }) } }), "sglang")
    assert.strictEqual(server({ answers: { props: answer({ build_info: "b1" }) } }), "llama.cpp")
    assert.strictEqual(server({ answers: { ollamaVersion: answer({ version: "0.1" }) } }), "ollama")
    assert.strictEqual(server({ answers: { root: answer("Ollama is running") } }), "ollama")
    assert.strictEqual(server({ looks: [vllm(1)] }), "vllm")
    const imitation = {
      models: answer({ data: [{ id: "m", owned_by: "sglang" }] }),
      answers: { ollamaVersion: answer({ version: "0.1" }) }
    }
    assert.strictEqual(server(imitation), "sglang")
  })

  it.prop(
    "says something of any measurements, in the form that it promises and in the width of a terminal",
    [Invented],
    ([from]) => {
      const report = analyse(invented(from))
      assert.deepStrictEqual(Schema.decodeUnknownSync(EngineReport)(JSON.parse(toJson(report))), report)
      if (report.fit) {
        assert.isFalse(report.findings.some(({ severity }) => severity === "blocker"))
        assert.isAbove(report.tokens?.counted ?? 0, 0)
      } else assert.match(report.restsOn, /cannot watch/)
      const order = report.findings.map(({ severity }) => ["blocker", "loss", "note"].indexOf(severity))
      assert.deepStrictEqual(order, order.toSorted())
      for (const line of renderEngineProbe(report, { color: false, columns: 80 }).split("\n")) {
        assert.isTrue(line.length <= 80 || line.trim().split(/ +/).some((word) => word.length > 50), line)
      }
    },
    { arbitrary: { runs: 150 }, timeout: 60_000 }
  )

  it.prop("does not depend on the time of the clock", [Invented], ([from]) => {
    assert.deepStrictEqual(analyse(invented(from, 4096)).findings, analyse(invented(from)).findings)
  }, { arbitrary: { runs: 100 }, timeout: 60_000 })

  it.prop("needs no metrics to find an engine fit, and proves no hang without", [Invented], ([from]) => {
    const [seen, unseen] = [invented(from), { ...invented(from), looks: [] }].map(analyse)
    assert.strictEqual(seen!.fit, unseen!.fit)
    assert.deepStrictEqual(seen!.tokens, unseen!.tokens)
    assert.isFalse(unseen!.proofs.hung.can || unseen!.proofs.cancelled.can)
  }, { arbitrary: { runs: 100 }, timeout: 60_000 })

  it.prop("takes no comment for a token, a feature or a fault", [Invented], ([from]) => {
    const quiet = {
      ...from,
      streams: from.streams.map((one) => ({
        ...one,
        events: one.events.map((event) => event.kind === "comment" ? { ...event, kind: "done" as const } : event)
      }))
    }
    const [loud, silent] = [analyse(invented(from)), analyse(invented(quiet))]
    assert.strictEqual(loud.fit, silent.fit)
    assert.deepStrictEqual(loud.tokens, silent.tokens)
    assert.deepStrictEqual({ ...loud.features, done: null }, { ...silent.features, done: null })
  }, { arbitrary: { runs: 100 }, timeout: 60_000 })

  it.prop("reads any JSON as an event", [Schema.Json], ([json]) => {
    for (const event of [json, { choices: json }, { choices: [json] }, { choices: [{ delta: json }], usage: json }]) {
      const chunk = EngineChunk.read(event)
      assert.isTrue(chunk.content >= 0 && (chunk.usage ?? 0) >= 0)
    }
  }, { arbitrary: { runs: 300 } })

  it.prop("shows foreign words in one line of bounded length", [Schema.String], ([text]) => {
    const shown = printable(text + "\u001b[2J\n" + text.repeat(50))
    assert.isAtMost(shown.length, 120)
    assert.notMatch(shown, /[\p{Cc}\p{Cf}\u2028\u2029]/u)
  }, { arbitrary: { runs: 300 } })
})
