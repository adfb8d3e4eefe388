import Core

extension PermissionQuestion {
    /// What an agent asks, and what the rules of its profile say to it. Paths within the worktree are counted from there.
    init(_ request: PermissionRequest, under policy: PermissionPolicy) {
        let call = request.call
        let isWrite = [ToolCall.Kind.edit, .delete, .move].contains(call.kind)
        let inside = call.paths.filter { !$0.hasPrefix("/") && !$0.hasPrefix("../") && $0 != ".." }
        let leaves = isWrite && inside.count < call.paths.count
        var action = policy.action(tool: call.name, command: call.command, paths: inside, leaves: leaves)
        // orch's own tools guard themselves.
        if call.kind == .orch { action = .allow }
        self.init(
            request: request.id,
            title: call.title.hasPrefix(call.name) ? call.title : "\(call.name) \(call.title)",
            writes: isWrite ? inside : [],
            action: action,
            limit: policy.timeLimit
        )
    }
}
