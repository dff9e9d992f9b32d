// Where the analysis of an agent changes its mind.
import { assert, describe, it } from "@effect/vitest"
import type { AgentMeasurements, SideMeasurement, StreamMeasurement } from "../../src/probe/AgentMeasurements.ts"
import { analyseAgent } from "../../src/probe/analyseAgent.ts"
import { asked, blocked, card, late, measured, polled, progress, spread, upstream } from "./measured.ts"

const codesOf = (measurements: AgentMeasurements) => analyseAgent(measurements).findings.map(({ code }) => code)
const streamed = (stream: Partial<StreamMeasurement>, more: Partial<AgentMeasurements> = {}) =>
  measured({ stream: { ...spread, ...stream }, ...more })
const lateWith = (side: Partial<SideMeasurement>) =>
  streamed({ ...late, side: { ...progress, ...side } }, asked.unpolled)
const noStream = { card: { ...card, streaming: false }, stream: late.stream }

describe("the analysis", () => {
  const bounds: ReadonlyArray<readonly [string, AgentMeasurements, ReadonlyArray<string>]> = [
    ["four fifths at the end are late", streamed({ ...late, lateShare: 0.8 }, asked.unpolled), ["buffered-somewhere"]],
    ["less is not", streamed({ lateShare: 0.79 }), []],
    ["150 ms are enough to tell", streamed({ ...late, lastTextMillis: 150 }, asked.unpolled), ["buffered-somewhere"]],
    ["eight at once are a burst", streamed({ arrivals: 10, textFrames: 80 }), ["comes-in-bursts"]],
    ["fewer are not", streamed({ arrivals: 10, textFrames: 79 }), []],
    [
      "tokens of others are no burst",
      streamed({ arrivals: 10, textFrames: 10, upstream: upstream({ tokens: 999, shared: true }) }),
      []
    ],
    ["a quarter of standing still is borne", streamed({ ...late, pausedMillis: 1000 }, asked.unpolled), [
      "buffered-somewhere"
    ]],
    ["three changes are progress", lateWith({ changes: 3, textLength: 0 }), ["buffered-behind-task"]],
    ["and so is one character", lateWith({ changes: 0, textLength: 1 }), ["buffered-behind-task"]],
    ["two changes are none", lateWith({ changes: 2, textLength: 0 }), ["buffered-by-agent"]],
    [
      "who was not asked did not refuse to answer",
      streamed({ ...late, side: { ...blocked, cards: 0 } }, asked.unpolled),
      ["buffered-somewhere"]
    ],
    [
      "who is slow when idle is not blocked",
      streamed({ ...late, side: blocked }, { ...asked.unpolled, idleCardMillis: 1001 }),
      ["buffered-somewhere"]
    ],
    [
      "an engine that is done early was held back",
      streamed({ ...late, upstream: upstream({ lastMillis: 300 }) }, asked.unpolled),
      ["buffered-by-agent"]
    ],
    [
      "an engine that begins late and is slow was held back",
      streamed({ ...late, upstream: upstream({ firstMillis: 2100 }) }, asked.unpolled),
      ["buffered-by-agent"]
    ],
    ["few of a kind are no habit", streamed({ voices: { ...spread.voices, append: 97, piece: 3 } }), []],
    ["all of two are no habit", streamed({ textFrames: 2, voices: { ...spread.voices, append: 0, piece: 2 } }), []],
    [
      "statuses of both kinds count together",
      streamed({ voices: { ...spread.voices, append: 40, status: 30, "status-whole": 30 } }),
      ["text-in-status"]
    ],
    ["two repetitions are none", streamed({ repeats: 2 }), []],
    [
      "an end that says something new is said once",
      streamed({
        saidTwice: true,
        voices: { ...spread.voices, end: 1 }
      }),
      []
    ],
    ["a short silence needs no heartbeat", streamed({ gapMaxMillis: 14_999 }), []],
    ["a long one has one in a heartbeat of ours", streamed({ gapMaxMillis: 15_000, heartbeats: 1 }), []],
    ["canceled later is canceled", measured({ cancel: { ...asked.cancel, state: "working" } }), []],
    [
      "completed is as good",
      measured({ cancel: { ...asked.cancel, state: "completed", stateAfter: "completed" } }),
      []
    ],
    [
      "a prompt of the same length holds nothing more",
      measured({ conversation: { ...asked.conversation, said: false, promptTokens: [90, 90] } }),
      ["forgets-context"]
    ],
    [
      "what was not answered has nothing to cancel",
      measured({ ...noStream, cancel: null, polled: { ...polled, outcome: "failed", atOnce: false, side: late.side } }),
      ["no-streaming", "send-failed"]
    ],
    [
      "a fast answer need not be returned at once",
      measured({ ...noStream, ...asked.waits, polled: { ...asked.waits.polled, endMillis: 149 } }),
      ["no-streaming", "nothing-to-cancel"]
    ],
    [
      "an engine is missed only beside an answer",
      measured({ upstream: "engine", ...asked.nothing }),
      []
    ],
    [
      "a card that leads to itself is not to blame",
      streamed({ outcome: "failed", textFrames: 0, headers: null }, { polled: null, cancel: null }),
      ["stream-failed"]
    ]
  ]
  for (const [name, measurements, codes] of bounds) {
    it(`knows that ${name}`, () => assert.sameMembers(codesOf(measurements), [...codes]))
  }

  const fits: ReadonlyArray<readonly [string, AgentMeasurements, ReadonlyArray<string>, string | null]> = [
    [
      "no stream that the card denies",
      measured({ card: { ...card, streaming: false } }),
      ["poll", "blocking", "watched"],
      "poll"
    ],
    [
      "no tap where there is an engine",
      streamed({ upstream: upstream() }, { upstream: "engine" }),
      ["stream", "poll", "blocking", "watched"],
      "stream"
    ],
    [
      "a tap that sees its tokens",
      streamed({ upstream: upstream() }, { upstream: "tap" }),
      ["stream", "tap", "poll", "blocking", "watched"],
      "stream"
    ],
    [
      "no poll where nothing is answered at once",
      streamed({}, { polled: { ...polled, atOnce: false } }),
      ["stream", "blocking", "watched"],
      "stream"
    ],
    ["nothing that has a blocker", streamed({ outcome: "failed" }), [], "poll"],
    ["nothing that says nothing", measured(asked.nothing), [], null]
  ]
  for (const [name, measurements, modes, mode] of fits) {
    it(`finds fit: ${name}`, () => {
      const report = analyseAgent(measurements)
      assert.sameMembers(Object.entries(report.fit).flatMap(([name, fit]) => fit ? [name] : []), [...modes])
      assert.strictEqual(report.mode, mode)
    })
  }

  it("takes a send that fails for less where there is a stream", () => {
    const failing = { polled: { ...polled, outcome: "failed", atOnce: false } } as const
    const severityOf = (measurements: AgentMeasurements) =>
      analyseAgent(measurements).findings.find(({ code }) => code === "send-failed")?.severity
    assert.strictEqual(severityOf(measured(failing)), "note")
    assert.strictEqual(severityOf(measured({ ...noStream, ...failing })), "blocker")
  })

  it("says of silence whether the engine went on", () => {
    const whatOf = (lastMillis: number) =>
      analyseAgent(streamed({ outcome: "silent", upstream: upstream({ lastMillis }) })).findings[0]?.what ?? ""
    assert.match(whatOf(5001), /Its engine went on for 1001 ms|Its engine went on for 1\.00 s/)
    assert.match(whatOf(5000), /made no tokens after that either/)
    assert.match(analyseAgent(streamed({ outcome: "silent" })).findings[0]?.what ?? "", /is not known/)
  })
})
