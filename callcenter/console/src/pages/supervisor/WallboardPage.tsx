export default function WallboardPage() {
  return null;
}
