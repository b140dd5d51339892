// A page that breaks must not take the frame with it: the phone and the emergency alarm live in the frame.
import { Component, type ReactNode } from "react";

import { Failed } from "../ui/Loaded";
import { MissingPart, PartIsMissing } from "./part";

export class ErrorBoundary extends Component<{ children: ReactNode }, { error: unknown }> {
  override state = { error: null as unknown };

  static getDerivedStateFromError(error: unknown) {
    return { error };
  }

  override render() {
    if (this.state.error === null) return this.props.children;
    if (this.state.error instanceof MissingPart) return <PartIsMissing />;
    return (
      <div style={{ padding: 24 }}>
        <Failed error={this.state.error} retry={() => this.setState({ error: null })} />
      </div>
    );
  }
}
