/** A time in an error message: one decimal below ten seconds, none above. */
export const inSeconds = (millis: number): string => `${(millis / 1000).toFixed(millis < 10_000 ? 1 : 0)} s`
