/**
 * `simulator`: how fast is the simulated engine, and what do streams cost that wait?
 *
 * Three questions, each with its baseline in the same run: many streams flat out, where waiting tokens are joined; the
 * same streams paced, where nearly every token is a write of its own; and many more streams that are open and idle. The
 * baseline is a bare `node:http` server that writes the very same events.
 *
 * Gotcha: flat out, server and client want a processor each. With fewer, or others who use them, tokens per second say
 * more about the machine than about the server; processor time per token does not.
 */
import * as Command from "effect/cli/Command"
import * as Flag from "effect/cli/Flag"
import * as Console from "effect/Console"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { availableParallelism } from "node:os"
import type { ServerName } from "./simulator/calls.ts"
import { measureIdle } from "./simulator/measureIdle.ts"
import { measureStreams } from "./simulator/measureStreams.ts"
import { render } from "./simulator/render.ts"
import { type IdleCell, type Results, rssRatio, streamsRatios } from "./simulator/Results.ts"
import { count, json, names } from "./support/flags.ts"
import { requireOpenFiles } from "./support/openFiles.ts"

const partNames = ["flat-out", "paced", "idle"] as const

const aboveZero = Schema.Finite.check(Schema.isGreaterThan(0))

const tokens = Flag.Int("tokens").pipe(
  Flag.withSchema(Schema.Int.check(Schema.isGreaterThan(1))),
  Flag.withDescription("Tokens per stream, at least 2"),
  Flag.withDefault(1000)
)

const gap = Flag.Finite("gap").pipe(
  Flag.withSchema(aboveZero),
  Flag.withMetavar("MILLISECONDS"),
  Flag.withDescription("Mean time between two tokens of a paced stream"),
  Flag.withDefault(4)
)

const idleSeconds = Flag.Finite("idle-seconds").pipe(
  Flag.withSchema(aboveZero),
  Flag.withMetavar("SECONDS"),
  Flag.withDescription("How long idle streams are watched"),
  Flag.withDefault(5)
)

export const simulator = Command.make(
  "simulator",
  {
    parts: names("parts", "What to measure", partNames),
    streams: count("streams", 200, "Streams at once, flat out and paced"),
    tokens,
    gap,
    repeats: count("repeats", 3, "Runs per server, flat out and paced"),
    idleStreams: count("idle-streams", 2000, "Streams that are open and idle"),
    idleSeconds,
    json
  },
  Effect.fn("bench.simulator")(function*({ json, ...options }) {
    const { gap, repeats, streams, tokens } = options
    const has = (part: typeof partNames[number]) => options.parts.includes(part)
    yield* requireOpenFiles(Math.max(streams, has("idle") ? options.idleStreams : 0))

    const compare = Effect.fnUntraced(function*(name: string, servers: ReadonlyArray<ServerName>, gapMillis: number) {
      const cells = yield* measureStreams({ name, servers, streams, tokens, repeats, firstTokenMillis: 0, gapMillis })
      return { cells, ratios: streamsRatios(cells) }
    })
    const compareIdle = Effect.fnUntraced(function*() {
      const cells: Array<IdleCell> = []
      for (const server of ["ours", "ours+comments", "bare"] as const) {
        cells.push(
          yield* measureIdle({ server, streams: options.idleStreams, idleMillis: options.idleSeconds * 1000 })
        )
      }
      return { cells, rssPerStream: rssRatio(cells) }
    })

    const results: Results = {
      flatOut: has("flat-out") ? yield* compare("flat out", ["ours", "bare", "joined"], 0) : null,
      paced: has("paced")
        ? { offeredTokensPerSecond: streams * 1000 / gap, ...yield* compare("paced", ["ours", "bare"], gap) }
        : null,
      idle: has("idle") ? yield* compareIdle() : null
    }
    const conditions = { bench: "simulator", node: process.version, processors: availableParallelism(), ...options }
    yield* Console.log(json ? JSON.stringify({ ...conditions, ...results }) : render(results))
  })
).pipe(
  Command.withDescription("The simulated engine against a bare node:http server: flat out, paced, idle."),
  Command.withExamples([{
    command: "npm run bench -- simulator --parts flat-out --repeats 5",
    description: "One question, medians of five"
  }, {
    command: "npm run bench -- simulator --parts idle --idle-streams 5000",
    description: "More streams that wait"
  }])
)
