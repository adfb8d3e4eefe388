#!/bin/sh
# An agent that needs no model: it knows what to do for each ticket of the demo. Like any `command` agent it is started
# in a worktree of its own with the ticket in its environment; whatever it changes there is its work.
set -eu

echo "working on $ORCH_TICKET (attempt $ORCH_ATTEMPT): $(cat "$ORCH_PROMPT_FILE")"
if [ -n "${ORCH_FEEDBACK_FILE:-}" ]; then
    echo "I was told:"
    sed 's/^/  | /' "$ORCH_FEEDBACK_FILE"
fi

# Adds a function to lib/Stats.pm: its name, and its text on standard input.
add_function() {
    name=$1 text=$(cat)
    NAME=$name TEXT=$text perl -0pi -e '
        s/qw\(([^)]*)\)/qw($1 $ENV{NAME})/;
        s/\n1;\n\z/\n$ENV{TEXT}\n\n1;\n/;
    ' lib/Stats.pm
}

case $ORCH_TICKET in
median)
    add_function median <<'PERL'
# The middle one of the numbers, or the mean of the two in the middle; undef for none.
sub median {
    return unless @_;
    my @sorted = sort { $a <=> $b } @_;
    my $middle = int(@sorted / 2);
    return @sorted % 2 ? $sorted[$middle] : ($sorted[$middle - 1] + $sorted[$middle]) / 2;
}
PERL
    git commit -qam "Add a median"
    cat >t/median.t <<'PERL'
use strict;
use warnings;
use Test::More;
use Stats qw(median);

is(median(3, 1, 2), 2, 'an odd number of numbers');
is(median(4, 1, 2, 3), 2.5, 'an even number of numbers');
is(median(), undef, 'no median of nothing');
done_testing;
PERL
    git add t/median.t && git commit -qm "Test the median"
    ;;
range)
    add_function range <<'PERL'
# The difference of the largest and the smallest number; undef for none.
sub range {
    return unless @_;
    my @sorted = sort { $a <=> $b } @_;
    return $sorted[-1] - $sorted[0];
}
PERL
    cat >t/range.t <<'PERL'
use strict;
use warnings;
use Test::More;
use Stats qw(range);

is(range(3, 10, 5), 7, 'a range');
is(range(4), 0, 'the range of one number');
done_testing;
PERL
    git add -A && git commit -qm "Add the range"
    ;;
document)
    printf '\n`median` gives the middle one of some numbers, or the mean of the two in the middle.\n' >>README.md
    # Not committed: orch does that for an agent that forgets.
    ;;
csv)
    cat >lib/CSV.pm <<'PERL'
package CSV;
use strict;
use warnings;
use Exporter 'import';
our @EXPORT_OK = qw(row);

# The values as one line of CSV.
sub row {
    return join(',', map { /[",\n]/ ? '"' . s/"/""/gr . '"' : $_ } @_) . "\n";
}

1;
PERL
    cat >t/csv.t <<'PERL'
use strict;
use warnings;
use Test::More;
use CSV qw(row);

is(row(1, 2, 3), "1,2,3\n", 'plain values');
is(row('a "b"', 'c,d'), qq("a ""b""","c,d"\n), 'quoted values');
done_testing;
PERL
    git add -A && git commit -qm "Write numbers as CSV"
    ;;
faster)
    perl -pi -e 's/^    \$sum \+= \$_ for \@_;/    \$sum = \$_[-1] * \@_;/' lib/Stats.pm
    git commit -qam "Make the total faster" || echo "nothing left to try"
    ;;
*)
    echo "I do not know the ticket $ORCH_TICKET" >&2
    exit 1
    ;;
esac
echo "done with $ORCH_TICKET"
