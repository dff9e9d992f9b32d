/**
 * Whether the environment asks for an export of telemetry at all, by OpenTelemetry's own variables. It imports nothing, so
 * that a command that exports nothing loads nothing.
 *
 * Law: nothing is sent anywhere unless a variable names an endpoint or the exporter `otlp`. (OpenTelemetry's SDKs would
 * send to localhost unasked.)
 */

/** What is exported. */
export const signals = ["traces", "metrics", "logs"] as const
export type Signal = (typeof signals)[number]

/** The value of an environment variable. */
export type Variable = (name: string) => string | undefined

/** A variable that is set to nothing counts as unset, as the specification says. */
export const valueOf = (variable: Variable, name: string): string | undefined => {
  const value = variable(name)?.trim()
  return value === undefined || value === "" ? undefined : value
}

/** Whether telemetry is switched off altogether. */
export const isDisabled = (variable: Variable): boolean =>
  valueOf(variable, "OTEL_SDK_DISABLED")?.toLowerCase() === "true"

/** The exporters that are named for a signal, in lower case; undefined where none is. */
export const exportersOf = (variable: Variable, signal: Signal): ReadonlyArray<string> | undefined =>
  valueOf(variable, `OTEL_${signal.toUpperCase()}_EXPORTER`)?.toLowerCase().split(",").map((name) => name.trim())

/** Whether a signal is to be sent by OTLP. */
export const isAsked = (variable: Variable, signal: Signal): boolean => {
  const named = exportersOf(variable, signal)
  if (named !== undefined) return named.includes("otlp")
  return valueOf(variable, "OTEL_EXPORTER_OTLP_ENDPOINT") !== undefined ||
    valueOf(variable, `OTEL_EXPORTER_OTLP_${signal.toUpperCase()}_ENDPOINT`) !== undefined
}

/** Whether anything is to be sent. */
export const isAnyAsked = (variable: Variable): boolean =>
  !isDisabled(variable) && signals.some((signal) => isAsked(variable, signal))
