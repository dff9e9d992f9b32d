/**
 * What OpenTelemetry's environment variables say of the export, read as its specification wants it (configuration/
 * sdk-environment-variables.md and protocol/exporter.md of opentelemetry-specification): pure.
 *
 * Laws: a value that cannot be used is told and ignored, and its default counts; nothing here ever fails, because
 * telemetry must not keep a campaign from running; what is told never holds a value that may be a secret.
 *
 * What is ours: the protocol `grpc` is not spoken; certificates are Node's (`NODE_EXTRA_CA_CERTS`); a user name and a
 * password in an endpoint become its `authorization`, because requests take none in a URL.
 */
import * as Result from "effect/Result"
import { Buffer } from "node:buffer"
import { exportersOf, isAsked, isDisabled, type Signal, signals, valueOf, type Variable } from "./otlpAsked.ts"
import { everything, type Sampler, samplers } from "./Sampler.ts"

export interface SignalSettings {
  readonly url: string
  readonly protocol: "http/json" | "http/protobuf"
  readonly headers: Readonly<Record<string, string>>
  readonly compression: "gzip" | "none"
  /** How long a batch may take to be sent, with all its tries, in milliseconds. */
  readonly timeoutMillis: number
  /** How often what has gathered is sent, in milliseconds. */
  readonly intervalMillis: number
  /** As many make a batch. */
  readonly batch: number
  /** As many may wait or be on their way; what is more is dropped. */
  readonly queue: number
}

export interface OtlpSettings {
  /** Those that are sent. */
  readonly signals: Readonly<Partial<Record<Signal, SignalSettings>>>
  /** `undefined` where nobody has named the service. */
  readonly serviceName: string | undefined
  readonly resource: Readonly<Record<string, string>>
  readonly sampler: Sampler
  readonly temporality: "cumulative" | "delta"
  /** Whether the context of traces is sent with requests. */
  readonly propagates: boolean
  /** What could not be used, each a line. */
  readonly problems: ReadonlyArray<string>
}

const perSignal = ["ENDPOINT", "PROTOCOL", "HEADERS", "COMPRESSION", "TIMEOUT"] as const
const uncommon = ["CERTIFICATE", "CLIENT_KEY", "CLIENT_CERTIFICATE"] as const

/** Every variable that is read. */
export const variables: ReadonlyArray<string> = [
  "OTEL_SDK_DISABLED",
  "OTEL_SERVICE_NAME",
  "OTEL_RESOURCE_ATTRIBUTES",
  "OTEL_PROPAGATORS",
  "OTEL_TRACES_SAMPLER",
  "OTEL_TRACES_SAMPLER_ARG",
  "OTEL_METRIC_EXPORT_INTERVAL",
  "OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE",
  ...["BSP", "BLRP"].flatMap((kind) =>
    ["SCHEDULE_DELAY", "MAX_QUEUE_SIZE", "MAX_EXPORT_BATCH_SIZE"].map((name) => `OTEL_${kind}_${name}`)
  ),
  ...signals.map((signal) => `OTEL_${signal.toUpperCase()}_EXPORTER`),
  ...["", ...signals.map((signal) => `${signal.toUpperCase()}_`)].flatMap((signal) =>
    [...perSignal, ...uncommon].map((name) => `OTEL_EXPORTER_OTLP_${signal}${name}`)
  )
]

const DEFAULT_ENDPOINT = "http://localhost:4318"
const LONGEST_TIMER_MILLIS = 2 ** 31 - 1

/** Reads the variables. */
export const read = (variable: Variable): OtlpSettings => {
  const problems: Array<string> = []
  const value = (name: string) => valueOf(variable, name)
  const problem = (name: string, said: string, instead: string): undefined => {
    problems.push(`${name} is ${said}: ${instead}`)
  }

  const number = (name: string, fallback: number, least = 1): number => {
    const text = value(name)
    if (text === undefined) return fallback
    const found = Number(text)
    if (Number.isInteger(found) && found >= least && found <= LONGEST_TIMER_MILLIS) return found
    problem(name, `"${text}"`, `expected a whole number of at least ${least}; ${fallback} counts`)
    return fallback
  }

  const oneOf = <A extends string>(name: string, known: ReadonlyArray<A>, fallback: A): A => {
    const text = value(name)?.toLowerCase()
    if (text === undefined) return fallback
    const found = known.find((each) => each === text)
    if (found !== undefined) return found
    problem(name, `"${text}"`, `expected ${known.join(" or ")}; ${fallback} counts`)
    return fallback
  }

  /** Pairs as `name=value,…`, percent-encoded; a list that has one that is none is told without what it says. */
  const pairs = (name: string): Readonly<Record<string, string>> => {
    const found: Array<readonly [string, string]> = []
    for (const pair of value(name)?.split(",") ?? []) {
      if (pair.trim() === "") continue
      const at = pair.indexOf("=")
      const decoded = Result.try({
        try: () => [pair.slice(0, at).trim(), decodeURIComponent(pair.slice(at + 1).trim())] as const,
        catch: () => undefined
      })
      if (at > 0 && Result.isSuccess(decoded) && decoded.success[0] !== "") found.push(decoded.success)
      else problem(name, "not all read", "expected name=value,name=value with percent-encoded values")
    }
    return Object.fromEntries(found)
  }

  const endpointOf = (signal: Signal): URL | undefined => {
    const own = `OTEL_EXPORTER_OTLP_${signal.toUpperCase()}_ENDPOINT`
    const name = value(own) === undefined ? "OTEL_EXPORTER_OTLP_ENDPOINT" : own
    const url = URL.parse(value(name) ?? DEFAULT_ENDPOINT)
    if (url === null || !["http:", "https:"].includes(url.protocol)) {
      const text = "no URL of http or https, such as http://localhost:4318"
      if (!problems.some((line) => line.startsWith(name))) problem(name, text, `${signal} are not sent`)
      return undefined
    }
    if (name !== own) url.pathname = `${url.pathname.replace(/\/+$/, "")}/v1/${signal}`
    return url
  }

  const settingsOf = (signal: Signal): SignalSettings | undefined => {
    const named = exportersOf(variable, signal) ?? []
    const unknown = named.filter((name) => name !== "otlp" && name !== "none")
    if (unknown.length > 0) {
      const instead = signal === "metrics" && unknown.includes("prometheus")
        ? "our servers have a page for Prometheus at /metrics; expected otlp or none"
        : "expected otlp or none"
      problem(`OTEL_${signal.toUpperCase()}_EXPORTER`, `"${named.join(",")}"`, instead)
    }
    if (!isAsked(variable, signal)) return undefined
    const url = endpointOf(signal)
    if (url === undefined) return undefined
    const prefix = "OTEL_EXPORTER_OTLP_"
    const nameOf = (name: (typeof perSignal)[number] | (typeof uncommon)[number]) => {
      const own = `${prefix}${signal.toUpperCase()}_${name}`
      return value(own) === undefined ? `${prefix}${name}` : own
    }
    for (const name of uncommon) {
      const given = nameOf(name)
      if (value(given) !== undefined && !problems.some((line) => line.startsWith(given))) {
        problem(given, "set", "not supported; Node's NODE_EXTRA_CA_CERTS names further authorities")
      }
    }
    const protocolName = nameOf("PROTOCOL")
    const isGrpc = value(protocolName)?.toLowerCase() === "grpc"
    if (isGrpc && !problems.some((line) => line.startsWith(protocolName))) {
      problem(protocolName, "grpc", "not spoken here; http/protobuf is sent, which collectors take at port 4318")
    }
    const authorization = basicOf(url)
    url.username = ""
    url.password = ""
    const kind = signal === "logs" ? "BLRP" : "BSP"
    const queue = number(`OTEL_${kind}_MAX_QUEUE_SIZE`, 2048)
    return {
      url: url.href,
      protocol: isGrpc ? "http/protobuf" : oneOf(protocolName, ["http/protobuf", "http/json"], "http/protobuf"),
      headers: {
        ...(authorization === undefined ? {} : { authorization }),
        ...pairs(nameOf("HEADERS"))
      },
      compression: oneOf(nameOf("COMPRESSION"), ["none", "gzip"], "none"),
      timeoutMillis: number(nameOf("TIMEOUT"), 10_000),
      intervalMillis: signal === "metrics"
        ? number("OTEL_METRIC_EXPORT_INTERVAL", 60_000)
        : number(`OTEL_${kind}_SCHEDULE_DELAY`, signal === "logs" ? 1000 : 5000),
      batch: Math.min(queue, number(`OTEL_${kind}_MAX_EXPORT_BATCH_SIZE`, 512)),
      queue
    }
  }

  const samplerOf = (): Sampler => {
    const name = oneOf("OTEL_TRACES_SAMPLER", samplers, everything.name)
    const text = value("OTEL_TRACES_SAMPLER_ARG")
    const ratio = Number(text ?? 1)
    if (ratio >= 0 && ratio <= 1) return { name, ratio }
    problem("OTEL_TRACES_SAMPLER_ARG", `"${text}"`, "expected a number from 0 to 1; 1 counts")
    return { name, ratio: 1 }
  }

  const { "service.name": serviceName, ...resource } = pairs("OTEL_RESOURCE_ATTRIBUTES")
  const propagators = value("OTEL_PROPAGATORS")?.toLowerCase().split(",").map((name) => name.trim())
  return {
    signals: isDisabled(variable)
      ? {}
      : Object.fromEntries(
        signals.flatMap((signal) => {
          const settings = settingsOf(signal)
          return settings === undefined ? [] : [[signal, settings] as const]
        })
      ),
    serviceName: value("OTEL_SERVICE_NAME") ?? serviceName,
    resource,
    sampler: samplerOf(),
    temporality: oneOf("OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE", ["cumulative", "delta"], "cumulative"),
    propagates: propagators === undefined || propagators.includes("tracecontext"),
    problems: [...new Set(problems)]
  }
}

/** What a user name and a password in a URL become (RFC 7617); `undefined` where there is neither. */
const basicOf = ({ password, username }: URL): string | undefined => {
  if (username === "" && password === "") return undefined
  const pair = [username, password].map((part) =>
    // A `%` that encodes nothing stands for itself, as a password may have one.
    Result.getOrElse(Result.try({ try: () => decodeURIComponent(part), catch: () => undefined }), () => part)
  )
  return `Basic ${Buffer.from(pair.join(":")).toString("base64")}`
}
