export default function SeatsPage() {
  return null;
}
