# What is wrong with a backup repository, from what pgBackRest prints when it verifies one.
package VerifyReport;
use strict;
use warnings;
use List::Util qw(max sum0);
use Exporter 'import';
our @EXPORT_OK = qw(report);

our $NOW = 'take a full backup now: scripts/backup-production.sh full';
my $PAGES = "see reference/runbooks/recovery.md, and look for the disk's errors";
# At the level of information it names each file that is not as it was written.
my $FILE = qr/INFO: (invalid (?:checksum|size|result)|(?:file )?missing)(?: file)? '?([^\s':]+)/;
my $BACKUP = qr/^\s+backup: (\S+), status: ([^,]+), total files checked: (\d+), total valid files: (\d+)/m;
my $ARCHIVE = qr/^\s+archiveId: (\S+), total WAL checked: (\d+), total valid WAL: (\d+)/m;

# For these backups: files and WAL segments that were read, and the problems, each with what it is one of. pgBackRest's exit
# status is 0 with errors, too, and what it leaves out of its text was not verified.
sub report {
    my ($backups, $text) = @_;
    # The text proper comes once more among the lines of the log.
    my $body = substr $text, max(0, rindex $text, "\nstanza: ");
    my @problems = _files($text);
    my (%said, $segments);
    while ($body =~ /$BACKUP/g) {
        $said{$1} = {status => $2, files => $3, valid => $4};
    }
    push @problems, map { _backup($_, $said{$_->{label}}) } @$backups;
    while ($body =~ /$ARCHIVE/g) {
        $segments += $2;
        push @problems, {what => "archive $1: $3 of $2 WAL segments are whole; $NOW"} if $2 != $3 && !grep { $_->{segment} } @problems;
    }
    my @statuses = $body =~ /^status: (\S+)/mg;
    if (!@statuses || (!@problems && grep { $_ ne 'ok' } @statuses)) {
        push @problems, {what => 'pgBackRest says: ' . (substr(join(' ', split ' ', $body), -200) || 'nothing') . "; $NOW"};
    }
    my $files = sum0 map { $_->{files} } values %said;
    return {backups => 0 + @$backups, newest => $backups->[-1]{label}, files => $files, wal_segments => 0 + ($segments // 0), problems => \@problems};
}

sub _files {
    my ($text) = @_;
    my (%seen, @problems);
    while ($text =~ /$FILE/g) {
        my ($what, $file) = ($1, $2);
        next if $seen{$file}++;
        my ($segment) = $file =~ m{(?:^|/)([0-9A-F]{24})-};
        my ($label) = split m{/}, $file;
        push @problems, $segment
            ? {segment => $segment, what => "$file: $what; what was written from $segment on until the next backup cannot be restored: $NOW"}
            : {backup => $label, what => "$file: $what; " . _anew($label)};
    }
    return @problems;
}

sub _backup {
    my ($backup, $said) = @_;
    my ($label, @wrong) = ($backup->{label});
    if (!$said) {
        push @wrong, 'its files are gone, though the repository lists it; ' . _anew($label);
    } elsif ($said->{status} ne 'valid' || $said->{files} != $said->{valid} || !$said->{files}) {
        push @wrong, "$said->{valid} of $said->{files} files are as they were written ($said->{status}); " . _anew($label);
    }
    push @wrong, "pages were damaged in the database already when it was taken; $PAGES" if $backup->{error};
    return map { {backup => $label, what => "backup $label: $_"} } @wrong;
}

sub _anew {
    my ($label) = @_;
    return "do not restore from $label, and $NOW";
}

1;
