/**
 * A clock that all processes of one machine share: monotonic, in milliseconds since some moment before they started.
 *
 * Gotcha: `performance.now()` begins anew in each process, and where it began is not known to better than half a
 * millisecond; so it is not used.
 */
export const machineMillis = (): number => Number(process.hrtime.bigint()) / 1e6
