/**
 * An engine with several streams in it, one step a second: what its clients get, and what its `/metrics` show.
 *
 * It is as fast for sixteen as for one. Series move as vLLM's do: counters with the steps, gauges when a step returns, so
 * that both freeze where it stands still, while `/health` goes on answering 200. A step gives every request the tokens of
 * a second at once: gaps are never longer than they would be, but for less than a second, and every limit on them is of
 * many seconds.
 *
 * Gotcha: nothing here knows a clock; whoever steps it decides how fast time passes.
 */
import type { Answer } from "./Night.ts"

export type NightState = "serving" | "hung" | "down"

/** Who asked, and is told what comes. */
export interface NightClient {
  /** Called with the tokens of a step. */
  readonly tokens: (count: number) => void
  readonly finished: () => void
  /** The connection breaks. */
  readonly lost: () => void
}

/** How a request ended, as the engine knows it. */
export interface NightEnd {
  readonly id: string
  readonly how: "finished" | "closed alive" | "closed hung" | "broken"
  readonly at: number
  /** For "closed hung": since when it had been hung. */
  readonly hungSince: number | undefined
  /** Tokens made for it, unseen ones among them. */
  readonly tokens: number
}

export interface NightRequest {
  readonly id: string
  readonly answer: Answer
  readonly client: NightClient
  worked: number
  tokens: number
  lostSince: number | undefined
  ended: boolean
}

export const TOKENS_PER_SECOND = 30

export class NightEngine {
  state: NightState = "serving"
  readonly ends: Array<NightEnd> = []
  readonly #now: () => number
  readonly #requests = new Set<NightRequest>()
  #hungSince: number | undefined
  #startedAtSeconds = 1000
  #running = 0
  #decodes = 0
  #firsts = 0
  #finished = 0

  /** `now` in seconds, for the ends. */
  constructor(now: () => number) {
    this.#now = now
  }

  /** Requests that it holds, those it has forgotten among them. */
  get held(): number {
    return this.#requests.size
  }

  open(id: string, answer: Answer, client: NightClient): NightRequest {
    const request: NightRequest = { id, answer, client, worked: 0, tokens: 0, lostSince: undefined, ended: false }
    this.#requests.add(request)
    return request
  }

  /** Its client has gone; nothing happens if it has ended before. */
  close(request: NightRequest): void {
    const hungSince = request.lostSince ?? this.#hungSince
    this.#end(request, hungSince === undefined ? "closed alive" : "closed hung", hungSince)
  }

  /** One second of work. */
  step(): void {
    if (this.state !== "serving") return
    for (const request of this.#requests) this.#work(request)
    this.#running = Array.from(this.#requests).filter(({ lostSince }) => lostSince === undefined).length
  }

  hang(): void {
    this.state = "hung"
    this.#hungSince = this.#now()
  }

  /** Its process ends: nobody listens at its address until it serves again. */
  kill(): void {
    this.state = "down"
    for (const request of this.#requests) {
      this.#end(request, "broken", undefined)
      request.client.lost()
    }
  }

  /** It serves: after a hang as the same process, otherwise as a new one that counts from 0. */
  serve(): void {
    if (this.state === "down") {
      this.#startedAtSeconds += 1000
      this.#running = 0
      this.#decodes = 0
      this.#firsts = 0
      this.#finished = 0
    }
    this.state = "serving"
    this.#hungSince = undefined
  }

  get startedAtSeconds(): number {
    return this.#startedAtSeconds
  }

  /** In Prometheus' text format, as far as anybody reads it. */
  metrics(): string {
    const series: ReadonlyArray<readonly [string, number]> = [
      ["vllm:num_requests_running", this.#running],
      ["vllm:num_requests_waiting", 0],
      ["vllm:kv_cache_usage_perc", this.#running / 100],
      ["vllm:generation_tokens_total", this.#decodes + this.#firsts],
      ["vllm:prompt_tokens_total", this.#firsts * 100],
      ["vllm:inter_token_latency_seconds_count", this.#decodes],
      ["vllm:time_to_first_token_seconds_count", this.#firsts],
      ["vllm:request_success_total", this.#finished],
      ["vllm:num_preemptions_total", 0]
    ]
    return [
      ...series.map(([name, value]) => `${name}{engine="0",model_name="m"} ${value}`),
      `process_start_time_seconds ${this.#startedAtSeconds}`,
      ""
    ].join("\n")
  }

  #work(request: NightRequest): void {
    const { answer, client } = request
    if (request.lostSince !== undefined) return
    request.worked++
    if (answer.lostAt !== undefined && request.worked >= answer.lostAt) {
      request.lostSince = this.#now()
      return
    }
    if (request.worked <= answer.prefillSeconds) return
    if (request.tokens === 0) {
      this.#firsts++
      this.#decodes--
    }
    this.#decodes += TOKENS_PER_SECOND
    request.tokens += TOKENS_PER_SECOND
    const { unseen } = answer
    const isUnseen = unseen !== undefined && request.worked >= unseen.from && request.worked < unseen.until
    if (!isUnseen) client.tokens(TOKENS_PER_SECOND)
    if (request.worked < answer.seconds) return
    this.#finished++
    this.#end(request, "finished", undefined)
    client.finished()
  }

  #end(request: NightRequest, how: NightEnd["how"], hungSince: number | undefined): void {
    if (request.ended) return
    request.ended = true
    this.#requests.delete(request)
    this.ends.push({ id: request.id, how, at: this.#now(), hungSince, tokens: request.tokens })
  }
}
