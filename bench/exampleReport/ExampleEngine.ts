/**
 * An engine whose requests each have times of their own: every arrival comes when it is due, as long as the engine works.
 *
 * Series move as vLLM's do, and all of them freeze while it stands still. What is due then comes later by as long as it
 * stood. Nothing here knows a clock: whoever drives it says what time it is, and is told when something is due next.
 */
import { FailReason } from "../../src/liveness/Failed.ts"
import { CANARY, type ModelClient, type ModelledEngine } from "../night/nightServices.ts"
import { canaryAnswer, type ExampleAgent, type ExampleAnswer, lastWords } from "./ExampleNight.ts"

interface Request {
  readonly answer: ExampleAnswer
  readonly client: ModelClient
  dueMillis: number
  /** Arrivals so far. */
  came: number
  /** Time of work since its first token, of which the first part may be hidden. */
  hiddenUntilMillis: number | undefined
  isLost: boolean
}

/** A first token is never due sooner, so a driver that looks this often misses none. */
export const SOONEST_MILLIS = 200

export class ExampleEngine implements ModelledEngine {
  state: "serving" | "hung" | "down" = "serving"
  readonly model: string
  readonly #agent: ExampleAgent
  readonly #answerOf: (id: string) => ExampleAnswer
  readonly #now: () => number
  readonly #requests = new Set<Request>()
  #stoppedAtMillis = 0
  #startedAtMillis: number
  #running = 0
  #decodes = 0
  #firsts = 0
  #finished = 0

  /** `now` in milliseconds of the wall clock. */
  constructor(agent: ExampleAgent, answerOf: (id: string) => ExampleAnswer, now: () => number) {
    this.model = agent.model
    this.#agent = agent
    this.#answerOf = answerOf
    this.#now = now
    this.#startedAtMillis = now() - 3_600_000
  }

  readonly open = (id: string, client: ModelClient): () => void => {
    const answer = id.startsWith(CANARY) ? canaryAnswer : this.#answerOf(id)
    const request: Request = {
      answer,
      client,
      dueMillis: this.#now() + Math.max(SOONEST_MILLIS, answer.prefillMillis),
      came: 0,
      hiddenUntilMillis: undefined,
      isLost: false
    }
    this.#requests.add(request)
    return () => {
      this.#requests.delete(request)
    }
  }

  readonly metrics = (): string | undefined => {
    if (!this.#agent.hasMetrics) return undefined
    const series: ReadonlyArray<readonly [string, number]> = [
      ["vllm:num_requests_running", this.#running],
      ["vllm:num_requests_waiting", 0],
      ["vllm:kv_cache_usage_perc", this.#running / 50],
      ["vllm:generation_tokens_total", this.#decodes + this.#firsts],
      ["vllm:prompt_tokens_total", this.#firsts * 100],
      ["vllm:inter_token_latency_seconds_count", this.#decodes],
      ["vllm:time_to_first_token_seconds_count", this.#firsts],
      ["vllm:request_success_total", this.#finished],
      ["vllm:num_preemptions_total", 0]
    ]
    return [
      ...series.map(([name, value]) => `${name}{engine="0",model_name="${this.model}"} ${value}`),
      `process_start_time_seconds ${this.#startedAtMillis / 1000}`,
      ""
    ].join("\n")
  }

  get startedAtMillis(): number {
    return this.#startedAtMillis
  }

  /** When something is due next, at the latest after the soonest moment that a new request could ask for. */
  get nextMillis(): number {
    const latest = this.#now() + SOONEST_MILLIS
    if (this.state !== "serving") return latest
    return Array.from(this.#requests).reduce(
      (soonest, { dueMillis, isLost }) => isLost ? soonest : Math.min(soonest, dueMillis),
      latest
    )
  }

  /** Does what is due. */
  work(): void {
    if (this.state !== "serving") return
    const now = this.#now()
    for (const request of this.#requests) {
      while (this.#requests.has(request) && !request.isLost && request.dueMillis <= now) this.#arrive(request)
    }
    this.#running = Array.from(this.#requests).filter(({ isLost }) => !isLost).length
  }

  stop(): void {
    this.state = "hung"
    this.#stoppedAtMillis = this.#now()
  }

  /** Its process ends: nobody listens at its address until it serves again. */
  kill(): void {
    this.state = "down"
    for (const { client } of this.#requests) client.lost()
    this.#requests.clear()
  }

  /** After a stop it goes on where it stood; after a kill it is a new process. */
  serve(): void {
    const now = this.#now()
    if (this.state === "down") {
      this.#startedAtMillis = now
      this.#running =
        this.#decodes =
        this.#firsts =
        this.#finished =
          0
    }
    for (const request of this.#requests) {
      request.dueMillis = Math.max(now, request.dueMillis + now - this.#stoppedAtMillis)
    }
    this.state = "serving"
  }

  #arrive(request: Request): void {
    const { answer, client } = request
    if (answer.refused) {
      this.#requests.delete(request)
      return client.failed(FailReason.cases.Rejected.make({
        status: 400,
        detail: "This model's maximum context length is 4096 tokens; the request asks for 6144."
      }))
    }
    if (request.came === answer.lostAfter) {
      request.isLost = true
      return
    }
    if (request.came === answer.errorAfter) {
      this.#requests.delete(request)
      return client.failed(
        FailReason.cases.MidStreamError.make({ code: 500, detail: "EngineCore encountered an issue" })
      )
    }
    const [gapMillis, tokens] = answer.arrivals[request.came]!
    if (request.came === 0) this.#firsts++
    else this.#decodes += tokens
    request.hiddenUntilMillis ??= request.dueMillis + answer.hiddenMillis
    if (request.dueMillis < request.hiddenUntilMillis) {
      // It decodes, and nothing of it is shown.
      request.dueMillis += gapMillis
      this.#decodes += tokens
      return
    }
    request.came++
    const isLast = request.came === answer.arrivals.length
    client.said(isLast ? lastWords(answer) : "word ", tokens, "content")
    request.dueMillis += gapMillis
    if (!isLast) return
    this.#finished++
    this.#requests.delete(request)
    client.finished()
  }
}
