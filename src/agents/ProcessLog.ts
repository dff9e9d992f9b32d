/**
 * What an agent's process says: appended to a file up to a bound, and the last of it kept in memory for errors.
 *
 * Laws: the file never grows beyond its bound and one line that says so, over any number of starts; the last lines are
 * kept whatever becomes of the file.
 *
 * Gotcha: writes are synchronous and their failures are dropped. A disk that is full costs the output of an agent, which
 * must not cost the campaign.
 */
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import { closeSync, fstatSync, mkdirSync, openSync, writeSync } from "node:fs"
import { dirname } from "node:path"

const DEFAULT_MOST_BYTES = 20_000_000
const BYTES_REMEMBERED = 8_192
const LINES_REMEMBERED = 20

export class ProcessLog {
  readonly #file: number
  readonly #mostBytes: number
  #bytes: number
  #last: Buffer = Buffer.alloc(0)

  private constructor(path: string, mostBytes: number) {
    mkdirSync(dirname(path), { recursive: true })
    this.#file = openSync(path, "a")
    this.#bytes = fstatSync(this.#file).size
    this.#mostBytes = mostBytes
  }

  /** Opens the file, of which no more than `mostBytes` are kept, until the scope closes. Fails with what is wrong. */
  static readonly open = (path: string, mostBytes: number = DEFAULT_MOST_BYTES) =>
    Effect.acquireRelease(
      Effect.fromResult(Result.try({
        try: () => new ProcessLog(path, mostBytes),
        catch: (error) => error instanceof Error ? error.message : String(error)
      })),
      (log) => Effect.sync(() => closeSync(log.#file))
    )

  /** Takes what the process has said. */
  readonly add = (chunk: Buffer): void => {
    this.#last = Buffer.concat([this.#last.subarray(-BYTES_REMEMBERED), chunk.subarray(-BYTES_REMEMBERED)])
      .subarray(-BYTES_REMEMBERED)
    this.#write(chunk)
  }

  /** Adds a line of our own to the file; it is not among what the process has said. */
  readonly note = (text: string): void => this.#write(Buffer.from(`campaign: ${text}\n`))

  /** The last lines that the process has said, the oldest first. */
  readonly lastLines = (): ReadonlyArray<string> =>
    this.#last.toString("utf8").split(/\r?\n/).filter((line) => line.trim() !== "").slice(-LINES_REMEMBERED)

  readonly #write = (bytes: Buffer): void => {
    if (this.#bytes >= this.#mostBytes) return
    const kept = bytes.subarray(0, this.#mostBytes - this.#bytes)
    this.#bytes += kept.length
    const cut = kept.length === bytes.length ? "" : `\ncampaign: cut here, at ${this.#mostBytes} bytes\n`
    if (cut !== "") this.#bytes = this.#mostBytes
    Result.try(() => writeSync(this.#file, Buffer.concat([kept, Buffer.from(cut)])))
  }
}
