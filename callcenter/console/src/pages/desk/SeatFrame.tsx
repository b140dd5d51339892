// What an operator has on every page: the phone bar, and the emergency that takes the whole screen.
export function SeatFrame() {
  return null;
}
