/**
 * The metrics of a process that shows them: what verbs with a server provide to everything that they run, its
 * layers included.
 *
 * An export over OTLP has metrics outside of that already (telemetry/Telemetry.ts), and these are the same ones. Switched
 * off, there are none inside, whatever is outside.
 */
import * as Context from "effect/Context"
import * as Layer from "effect/Layer"
import { RunObserver } from "../liveness/RunObserver.ts"
import * as Metrics from "../telemetry/Metrics.ts"
import { Metrics as MetricsService } from "../telemetry/MetricsService.ts"

const layerOff: Layer.Layer<never> = Layer.succeedContext(
  Context.make(MetricsService, undefined).pipe(Context.add(RunObserver, () => undefined))
)

/** Metrics, or nothing that counts. */
export const metricsIf = (isOn: boolean): Layer.Layer<never> => isOn ? Metrics.layer : layerOff

/** The same for a process that need not have a page: without one it has what an export asks for. */
export const metricsOfRun = (isOn: boolean, hasPage: boolean): Layer.Layer<never> =>
  isOn && !hasPage ? Layer.empty : metricsIf(isOn)
