/**
 * The simulator bench's results for people: pure.
 */
import { significant, table } from "../support/table.ts"
import type { Spread } from "./calls.ts"
import type { Results, StreamsCell, StreamsRatio } from "./Results.ts"

const legend = [
  "ours: the simulated engine; bare: node:http, the same events composed before, one write per token; joined: the same",
  "with 512 tokens per write. Every server and the client are processes of their own on this machine. Numbers are",
  "medians over the runs, but idle is one run each; processor time and memory are of the server's process alone."
]

/** Lines for stdout. */
export const render = ({ flatOut, idle, paced }: Results): string =>
  [
    ...(flatOut === null ? [] : ["Flat out", ...streamsTable(flatOut.cells, flatOut.ratios, false), ""]),
    ...(paced === null ? [] : [
      `Paced, ${significant(paced.offeredTokensPerSecond)} tokens/s offered`,
      ...streamsTable(paced.cells, paced.ratios, true),
      ""
    ]),
    ...(idle === null ? [] : [
      "Idle",
      ...table([
        ["server", "all open after", "memory per stream", "CPU while idle", "served", "gone after"],
        ...idle.cells.map((cell) => [
          cell.server,
          millis(cell.openMillis),
          `${significant(cell.rssBytesPerStream / 1000)} kB`,
          `${significant(cell.idleCpuShare * 100)} %`,
          String(cell.served),
          millis(cell.goneMillis)
        ])
      ]),
      ...(idle.rssPerStream === null ? [] : [`Memory per stream, ours / bare: ${times(idle.rssPerStream)}.`]),
      ""
    ]),
    ...legend
  ].join("\n")

/** `perWrite`: flat out, a write of one server holds more than one of another. */
const streamsTable = (cells: ReadonlyArray<StreamsCell>, ratios: ReadonlyArray<StreamsRatio>, perWrite: boolean) => [
  ...table([
    [
      "server",
      "runs",
      "tokens/s",
      "CPU/token",
      "CPU/write",
      "tokens/write",
      "first byte (p99)",
      "first token (p99)",
      "client CPU/token"
    ],
    ...cells.map((cell) => [
      cell.server,
      String(cell.runs),
      significant(cell.tokensPerSecond),
      `${significant(cell.cpuMicrosPerToken)} µs`,
      `${significant(cell.cpuMicrosPerWrite)} µs`,
      significant(cell.tokensPerWrite),
      spread(cell.firstByteMillis),
      spread(cell.firstTokenMillis),
      `${significant(cell.clientCpuMicrosPerToken)} µs`
    ])
  ]),
  ...ratios.map(({ cpuPerToken, cpuPerWrite, to, tokensPerSecond }) =>
    `ours / ${to}: CPU per token ${times(cpuPerToken)}, ${
      perWrite ? `per write ${times(cpuPerWrite)}, ` : ""
    }tokens/s ${times(tokensPerSecond)}.`
  )
]

const millis = (value: number): string => `${significant(value)} ms`

const spread = ({ median, p99 }: Spread): string => `${significant(median)} (${significant(p99)}) ms`

const times = (value: number): string => `${significant(value)}x`
