/**
 * The metrics of a process that shows them: what verbs with a server provide to everything that they run, its
 * layers included.
 */
import * as Layer from "effect/Layer"
import * as Metrics from "../telemetry/Metrics.ts"

/** Metrics, or nothing that counts. */
export const metricsIf = (isOn: boolean): Layer.Layer<never> => isOn ? Metrics.layer : Layer.empty
