/// What is to be known about the ticket, the most important first.
struct OverviewPage: Page {
    let ticket: String

    mutating func move(_ motion: Motion, in room: Size) {}

    func draw(on canvas: inout Canvas, in area: Rectangle) { canvas.drawOverview(ticket, in: area) }
}
