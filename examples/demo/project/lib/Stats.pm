package Stats;
use strict;
use warnings;
use Exporter 'import';
our @EXPORT_OK = qw(total mean);

# The sum of the numbers; 0 for none.
sub total {
    my $sum = 0;
    $sum += $_ for @_;
    return $sum;
}

# The arithmetic mean; undef for no numbers.
sub mean {
    return unless @_;
    return total(@_) / @_;
}

1;
