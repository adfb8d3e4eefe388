// What agents use: counted when it is reported, and held against the budgets. A run's reports are what it has used so far in
// all, so that one that is said again, by a daemon that was started again say, changes nothing.

extension Orchestrator {
    // MARK: counting

    /// Reports of a run before the newest are not looked at any more: what they would differ from is forgotten.
    mutating func usageSeen(_ run: RunID, _ reported: Usage) {
        guard let ticket = tickets[run.ticket], run.number > 0, run.number <= ticket.lastRun,
            run.number >= ticket.runUsage?.run ?? 0
        else { return }
        renewSpending()
        let usage = reported.bounded
        let known = ticket.runUsage.flatMap { $0.run == run.number ? $0.usage : nil }
        if usage != known ?? Usage() {
            count(run, usage, beyond: isPlanted(.usageCountedAgain) ? Usage() : known ?? Usage())
        }
        keepBudgets(of: run)
    }

    private mutating func count(_ run: RunID, _ usage: Usage, beyond known: Usage) {
        let difference = usage - known
        change(run.ticket) { ticket in
            ticket.usage = (ticket.usage ?? Usage()) + difference
            ticket.runUsage = RunUsage(run: run.number, usage: usage)
        }
        journal.touch(spent)
        ledger[spent.day] = (ledger[spent.day] ?? Usage()) + difference
        spent = Spent(ledger, on: spent.day)
        journal.record(
            UsageRecord(run: run, day: spent.day, profile: tickets[run.ticket]!.profile, usage: difference)
        )
        emit(.runUsed(run, usage))
    }

    /// It may be another day by now, of another month.
    mutating func renewSpending() {
        let day = UTCDay(now)
        guard day != spent.day, !isPlanted(.budgetNotRenewed) else { return }
        let old = spent
        spent = Spent(ledger, on: day)
        guard spent.today != old.today || spent.month != old.month else { return }
        journal.touch(old)
        emit(.spendingRenewed)
    }

    /// When what is counted for a day or a month begins anew; nil where nothing has been.
    package var spendingRenewal: Instant? {
        if spent.today != Usage() { return spent.day.next.start }
        return spent.month != Usage() ? spent.day.firstOfNextMonth.start : nil
    }

    // MARK: budgets

    /// What the ticket may use: what people have said of it, else what is configured.
    public func allowance(of ticket: Ticket) -> Allowance {
        let own = ticket.budget ?? Allowance()
        return Allowance(
            cost: own.cost ?? limits.budgets.ticket.cost,
            tokens: own.tokens ?? limits.budgets.ticket.tokens
        )
    }

    /// What the budgets leave a run of it that begins now, in millionths of a US dollar; nil where dollars are not limited.
    func spendable(by id: TicketID) -> Int? {
        guard let ticket = tickets[id] else { return nil }
        let rests = [
            allowance(of: ticket).cost.map { $0 - (ticket.usage?.cost ?? 0) },
            limits.budgets.day.cost.map { $0 - spent.today.cost },
            limits.budgets.month.cost.map { $0 - spent.month.cost },
        ]
        return rests.compactMap { $0 }.min().map { max(1, $0) }
    }

    /// That the ticket has used up what it may use alone.
    func ownOverrun(of id: TicketID) -> BudgetProblem? {
        guard let ticket = tickets[id], let usage = ticket.usage, !isPlanted(.budgetIgnored) else { return nil }
        return Self.overrun(.ticket, usage, allowance(of: ticket))
    }

    private static func overrun(_ span: BudgetSpan, _ usage: Usage, _ allowance: Allowance) -> BudgetProblem? {
        for unit in BudgetUnit.allCases {
            guard let cap = allowance[unit], usage[unit] >= cap else { continue }
            return .reached(span, unit, spent: usage[unit], cap: cap)
        }
        return nil
    }

    /// Ends the run where its ticket has used up its budget, and every run where the day or the month has.
    private mutating func keepBudgets(of run: RunID) {
        if let problem = ownOverrun(of: run.ticket) ?? unknownCost(of: run) { endForBudget(run.ticket, problem) }
        guard !isPlanted(.budgetIgnored) else { return }
        let overruns = [BudgetSpan.day, .month].compactMap { Self.overrun($0, spent[$0], limits.budgets[$0]) }
        guard let problem = overruns.first else { return }
        for agent in agents.keys.sorted() { if let id = agents[agent]!.ticket { endForBudget(id, problem) } }
    }

    private func unknownCost(of run: RunID) -> BudgetProblem? {
        guard limits.budgets.unknownUsage == .refuse, let ticket = tickets[run.ticket],
            let usage = ticket.runUsage?.usage, usage.unpriced > 0
        else { return nil }
        let caps = [allowance(of: ticket).cost, limits.budgets.day.cost, limits.budgets.month.cost]
        return caps.allSatisfy { $0 == nil } ? nil : .unpriced(tokens: usage.unpriced)
    }

    /// Ends its agent's run, unless that is ending already.
    private mutating func endForBudget(_ id: TicketID, _ problem: BudgetProblem) {
        guard case .running(var running) = tickets[id]!.state, running.halt == nil, case .working = running.step
        else { return }
        running.halt = .budget(problem)
        enter(id, .running(running))
        emit(.ticketStopping(id))
    }

    /// What keeps another run of this profile from being started, with what is set aside for those under way.
    ///
    /// - Parameter id: the ticket whose run it is to be, where an agent has taken that up already.
    func shortfall(for profile: String, of id: TicketID? = nil) -> BudgetShortfall? {
        guard !(limits.budgets.day.isEmpty && limits.budgets.month.isEmpty), !isPlanted(.budgetIgnored) else {
            return nil
        }
        for span in [BudgetSpan.day, .month] {
            for unit in BudgetUnit.allCases {
                guard let cap = limits.budgets[span][unit] else { continue }
                let wanted = limits.reserves[profile]?[unit] ?? 0
                let reserved = reserved(unit, except: id)
                guard spent[span][unit] + reserved + max(1, wanted) > cap else { continue }
                return BudgetShortfall(
                    span: span,
                    unit: unit,
                    cap: cap,
                    spent: spent[span][unit],
                    reserved: reserved,
                    wanted: wanted,
                    renews: span == .day ? spent.day.next : spent.day.firstOfNextMonth
                )
            }
        }
        return nil
    }

    /// What is set aside for the runs under way, and those about to start, beyond what they have used.
    private func reserved(_ unit: BudgetUnit, except id: TicketID?) -> Int {
        guard limits.reserves.contains(where: { $0.value[unit] != nil }) else { return 0 }
        return agents.values.reduce(0) { sum, agent in
            guard let ticket = agent.ticket, ticket != id else { return sum }
            return sum + reserved(unit, for: tickets[ticket]!)
        }
    }

    private func reserved(_ unit: BudgetUnit, for ticket: Ticket) -> Int {
        guard let reserve = limits.reserves[ticket.profile]?[unit], case .running(let running) = ticket.state else {
            return 0
        }
        switch running.step {
        case .preparing(.work), .settingUp: return reserve
        case .working(let run, _):
            let used = ticket.runUsage.flatMap { $0.run == run ? $0.usage[unit] : nil } ?? 0
            return max(0, reserve - used)
        case .preparing(.verify), .collecting, .trying, .snapshotting: return 0
        }
    }

    /// Whether its agent may be started. Where it may not, the ticket goes to a human, or waits in the queue with all it holds.
    mutating func mayWork(_ id: TicketID) -> Bool {
        if let problem = ownOverrun(of: id) {
            askHuman(id, .budget(problem), resume: .work)
            return false
        }
        guard shortfall(for: tickets[id]!.profile, of: id) != nil else { return true }
        enter(id, .queued(resume: .work))
        emit(.ticketChanged(id))
        return false
    }

    // MARK: what people say

    /// Gives the ticket a budget of its own, instead of the one that is configured. Where it says nothing, that holds.
    mutating func giveBudget(_ id: TicketID, _ budget: Allowance) throws(Refusal) {
        guard knows(id) else {
            throw Refusal(.notFound, "there is no ticket \(id)", hint: "`orch list --all` shows every ticket")
        }
        if let end = end(of: id) {
            throw Refusal(.refused, "cannot give \(id) a budget: it is \(end.name)", hint: nil)
        }
        let new = budget.isEmpty ? nil : budget
        guard tickets[id]!.budget != new else { return }
        change(id) { $0.budget = new }
        emit(.budgetGiven(id))
        if let problem = ownOverrun(of: id) { endForBudget(id, problem) }
    }

    /// It would come back at once.
    func refuseOverBudget(_ id: TicketID, _ command: Command) throws(Refusal) {
        guard case .reached(_, let unit, let spent, let cap)? = ownOverrun(of: id) else { return }
        throw Refusal(
            .refused,
            "cannot \(command.name) \(id): its budget is used up (\(unit.phrase(spent, of: cap)))",
            hint: "`orch budget \(id) --\(unit.rawValue) N` gives it more"
        )
    }
}
