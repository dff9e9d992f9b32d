/**
 * The process of the bare engine; it ends with the scope.
 */
import * as Child from "../support/Child.ts"
import type { EngineCalls } from "./engineCalls.ts"

/** A process that is told with `startEngine` to listen. */
export const startEngineProcess = Child.start<EngineCalls>("engine", new URL("./bareEngine.ts", import.meta.url))
