// The colours of a seat's states; the word always stands beside them.
export const SEAT_COLOURS: Record<string, string> = {
  ready: "#2da44e",
  ringing: "#bf8700",
  talking: "#1f6feb",
  monitoring: "#0a7ea4",
  wrap_up: "#8250df",
  paused: "#bc4c00",
  offline: "#8c959f",
};
