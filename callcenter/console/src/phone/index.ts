// The phone, as the rest of the page uses it.
export { phone, usePhone, useSeatPhone } from "./usePhone";
export type { Phone } from "./phone";
export { broken } from "./rules";
export type { LineStats } from "./stats";
export * from "./types";
